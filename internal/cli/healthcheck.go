package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// healthcheckTimeout is how long the server may take to answer; Docker's own default is 30 s.
const healthcheckTimeout = 5 * time.Second

// healthcheckAnswer bounds how much of the answer is shown, in bytes.
const healthcheckAnswer = 64 << 10

// healthcheckCommand asks a running server whether it is ready.
type healthcheckCommand struct {
	URL string `name:"url" placeholder:"URL" help:"Address to ask; by default /health/ready of this machine's server on PORT."`
}

// Help is shown by `homeserver healthcheck --help`.
func (healthcheckCommand) Help() string {
	return `Prints the server's answer. Exit code 0 when it is ready, 3 when it says it is not, 1 when it does not answer.`
}

// Run runs the command.
func (c healthcheckCommand) Run(r *run) error {
	url, client := c.URL, http.DefaultClient
	if url == "" {
		settings, err := r.config()
		if err != nil {
			return err
		}
		host := settings.Server.Host
		if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		scheme := "http://"
		if settings.TLS.On() {
			scheme, client = "https://", ownServer()
		}
		url = scheme + net.JoinHostPort(host, strconv.Itoa(settings.Server.Port)) + "/health/ready"
	}
	ctx, cancel := context.WithTimeout(r.ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return usageError{err}
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no answer from %s: %w", url, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, healthcheckAnswer))
	if err != nil {
		return fmt.Errorf("the answer from %s broke off: %w", url, err)
	}
	fmt.Fprintln(r.stdout, strings.TrimSpace(string(answer)))
	if response.StatusCode != http.StatusOK {
		return errProblems
	}
	return nil
}

// ownServer is a client that takes any certificate. It only ever asks this machine's own server
// at its own address, which certificates of a domain do not name; it sends no secret, and who
// could answer in the server's place here could as well stop it.
func ownServer() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}
