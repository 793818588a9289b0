package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// engineTime is how long an engine may take to list its containers.
	engineTime = 2 * time.Second
	// engineAnswer bounds its answer, in bytes: thousands of containers.
	engineAnswer = 8 << 20
	// engineAgain is how long names are believed: containers are renamed rarely. It also is how
	// long an engine that cannot be asked is left in peace.
	engineAgain = time.Minute
)

// engineSockets are where container engines listen, Docker's and Podman's.
var engineSockets = [...]string{"var/run/docker.sock", "run/docker.sock", "run/podman/podman.sock"}

// engineNames knows what containers are called.
type engineNames struct {
	root  string
	names map[string]string
	asked time.Time
}

func newEngineNames(root string) *engineNames { return &engineNames{root: root} }

func (e *engineNames) close() { e.names = nil }

// of is the name of a container, or the short form of its id.
func (e *engineNames) of(id string) string {
	if name := e.names[id]; name != "" {
		return name
	}
	if len(id) == 64 {
		return id[:shortID]
	}
	return id
}

// learn asks the engines, when there is a container that was never heard of or a minute passed.
func (e *engineNames) learn(found map[string]string) {
	if len(found) == 0 || time.Since(e.asked) < engineAgain && e.knowsAll(found) {
		return
	}
	e.asked = time.Now()
	names := map[string]string{}
	for _, socket := range engineSockets {
		path := filepath.Join(e.root, socket)
		if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeSocket == 0 {
			continue
		}
		if list, err := askEngine(path); err == nil { // who may not ask sees short ids
			for _, c := range list {
				if len(c.Names) > 0 {
					names[c.ID] = strings.TrimPrefix(c.Names[0], "/")
				}
			}
		}
	}
	for _, id := range found {
		if names[id] == "" {
			names[id] = e.names[id] // an engine that is being restarted
		}
	}
	e.names = names
}

// knowsAll reports whether each container was heard of or asked for in vain.
func (e *engineNames) knowsAll(found map[string]string) bool {
	for _, id := range found {
		if _, ok := e.names[id]; !ok {
			return false
		}
	}
	return true
}

// engineContainer is what is read of an engine's list.
type engineContainer struct {
	ID    string   `json:"Id"`
	Names []string `json:"Names"`
}

func askEngine(socket string) ([]engineContainer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), engineTime)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/containers/json", nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the container engine answers %s", response.Status)
	}
	var list []engineContainer
	return list, json.NewDecoder(io.LimitReader(response.Body, engineAnswer)).Decode(&list)
}
