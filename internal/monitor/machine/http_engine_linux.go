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
	// engineTime is how long all engines together may take to list their containers.
	engineTime = 2 * time.Second
	// engineAnswer bounds its answer, in bytes: thousands of containers.
	engineAnswer = 8 << 20
	// engineName bounds a name, in bytes; Docker's and Podman's are shorter.
	engineName = 255
	// engineAgain is how long names are believed: containers are renamed rarely. It also is how
	// long an engine that cannot be asked is left in peace.
	engineAgain = time.Minute
)

// engineSockets are where container engines listen, Docker's and Podman's, and those that a person
// runs without being root.
var engineSockets = [...]string{"var/run/docker.sock", "run/docker.sock", "run/podman/podman.sock", "run/user/*/docker.sock", "run/user/*/podman/podman.sock"}

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
	return short(id)
}

// short is an id as people are shown it; what LXC and systemd call a container stays whole.
func short(id string) string {
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
	ctx, cancel := context.WithTimeout(context.Background(), engineTime)
	defer cancel()
	for _, socket := range engineSockets {
		paths, _ := filepath.Glob(filepath.Join(e.root, socket))
		for _, path := range paths {
			askNames(ctx, path, names)
		}
	}
	for _, id := range found {
		if names[id] == "" {
			names[id] = e.names[id] // an engine that is being restarted
		}
	}
	e.names = names
}

// askNames adds the names that the engine behind a socket knows. Who may not ask sees short ids. What
// an engine before has named keeps its name: the machine's own are asked before those of persons.
func askNames(ctx context.Context, socket string, names map[string]string) {
	if info, err := os.Stat(socket); err != nil || info.Mode()&os.ModeSocket == 0 {
		return
	}
	list, err := askEngine(ctx, socket)
	if err != nil {
		return
	}
	for _, c := range list {
		if len(c.Names) > 0 && len(c.Names[0]) <= engineName && names[c.ID] == "" {
			names[c.ID] = strings.TrimPrefix(c.Names[0], "/")
		}
	}
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

func askEngine(ctx context.Context, socket string) ([]engineContainer, error) {
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
