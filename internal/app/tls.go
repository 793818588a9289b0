package app

import (
	"net"
	"net/http"
	"path/filepath"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/service"
	"homeserver/internal/platform/tlscert"
)

// useTLS opens the certificates, if the server is to speak TLS, and has them kept fresh.
func (a *App) useTLS() error {
	settings := a.config.TLS
	if !settings.On() {
		return nil
	}
	place := tlscert.Place{Dir: filepath.Join(a.config.House.DataDir, "tls"), Host: a.config.Server.Host, Port: a.config.Server.Port}
	certificates, err := tlscert.Open(settings, place, a.log)
	if err != nil {
		return err
	}
	a.tls = certificates
	a.server.UseTLS(httpd.TLS{
		Config: certificates.TLS, Strict: settings.Kind() == tlscert.ACME,
		PlainPort: settings.PlainPort(), Challenge: certificates.Challenge,
	})
	a.rooms = append(a.rooms, service.Service{Name: "tls", Run: certificates.Run})
	return nil
}

// mountAuthority lets devices fetch what they are to trust. The server's own certificate is
// not trusted by then, so they compare the fingerprint with the one in the log.
func (a *App) mountAuthority() {
	if a.config.TLS.Kind() != tlscert.Self {
		return
	}
	a.router.Handle(httpd.Op{Public: true, BeforeSetup: true, Operation: huma.Operation{
		Method: http.MethodGet, Path: "/tls/ca.crt", OperationID: "get-authority", Summary: "The local authority's certificate", Tags: tag(),
		Description: "With TLS=self: what a device must trust to come here without a warning. doc/tls.md says how.",
		Responses: map[string]*huma.Response{
			"200":     {Description: "The certificate in PEM form", Content: map[string]*huma.MediaType{authorityType: {Schema: &huma.Schema{Type: "string"}}}},
			"default": {Description: "Error", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: a.router.Schema(httpd.Problem{})}}},
		},
	}}, a.authority)
}

// authorityType is the media type at which browsers and phones offer to install a certificate.
const authorityType = "application/x-x509-ca-cert"

func (a *App) authority(w http.ResponseWriter, _ *http.Request) error {
	if a.tls == nil || a.tls.Authority == nil {
		return errs.New(errs.Unavailable, "The certificate is not there yet.")
	}
	content := a.tls.Authority()
	w.Header().Set("Content-Type", authorityType)
	w.Header().Set("Content-Disposition", `attachment; filename="homeserver-ca.crt"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.Header().Set("Cache-Control", "no-cache")
	_, err := w.Write(content)
	return err
}

// visitURL is an address a person can open.
func (a *App) visitURL(addr net.Addr) string {
	scheme := "http://"
	if a.config.TLS.On() {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	if names := a.config.TLS.Names(); a.config.TLS.Kind() == tlscert.ACME {
		host = names[0]
	}
	return scheme + net.JoinHostPort(host, port)
}
