package auth

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"homeserver/internal/platform/identity"
)

// OIDCConfig is what the environment says of the household's OpenID provider. Without an
// issuer there is none.
type OIDCConfig struct {
	Issuer       string   `env:"OIDC_ISSUER"`
	ClientID     string   `env:"OIDC_CLIENT_ID"`
	ClientSecret Secret   `env:"OIDC_CLIENT_SECRET"`
	Name         string   `env:"OIDC_NAME" envDefault:"Single sign-on"`
	Scopes       string   `env:"OIDC_SCOPES" envDefault:"openid profile email groups"`
	GroupsClaim  string   `env:"OIDC_GROUPS_CLAIM" envDefault:"groups"`
	AdminGroups  []string `env:"OIDC_ADMIN_GROUPS"`
	MemberGroups []string `env:"OIDC_MEMBER_GROUPS"`
	GuestGroups  []string `env:"OIDC_GUEST_GROUPS"`
	DefaultRole  string   `env:"OIDC_DEFAULT_ROLE"`
	PublicURL    string   `env:"PUBLIC_URL"`
}

// on reports whether there is a provider.
func (c OIDCConfig) on() bool { return c.Issuer != "" }

// label is what the provider is called, "" if there is none.
func (c OIDCConfig) label() string {
	if !c.on() {
		return ""
	}
	return c.Name
}

// scopes are what is asked of the provider.
func (c OIDCConfig) scopes() []string {
	return strings.FieldsFunc(c.Scopes, func(r rune) bool { return r == ' ' || r == ',' })
}

// validate says in a sentence what is wrong with a value and gives an example.
func (c OIDCConfig) validate() error {
	if c.PublicURL != "" && !isSite(c.PublicURL) {
		return errors.New("PUBLIC_URL is not the address of a server without a path; for example PUBLIC_URL=https://home.example.org")
	}
	if !c.on() {
		if c.ClientID != "" || c.ClientSecret != "" {
			return errors.New("OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is set, but not OIDC_ISSUER; for example OIDC_ISSUER=https://auth.example.org/application/o/homeserver/")
		}
		return nil
	}
	issuer, err := url.Parse(c.Issuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.Scheme != "https" && issuer.Scheme != "http" || issuer.RawQuery != "" || issuer.Fragment != "":
		return errors.New("OIDC_ISSUER is not the address of a provider; for example OIDC_ISSUER=https://auth.example.org/application/o/homeserver/")
	case c.ClientID == "":
		return errors.New("OIDC_CLIENT_ID is missing: the name under which the provider knows this server; for example OIDC_CLIENT_ID=homeserver")
	case !slices.Contains(c.scopes(), "openid"):
		return errors.New("OIDC_SCOPES lacks openid; for example OIDC_SCOPES=openid profile email")
	case c.DefaultRole != "" && !slices.Contains(identity.Roles(), identity.Role(c.DefaultRole)):
		return fmt.Errorf("OIDC_DEFAULT_ROLE is %q, which is none of administrator, member, guest; for example OIDC_DEFAULT_ROLE=member", c.DefaultRole)
	case c.DefaultRole == "" && len(c.AdminGroups)+len(c.MemberGroups)+len(c.GuestGroups) == 0:
		return errors.New("OIDC_ISSUER is set, but nobody may come in through it: name groups, for example OIDC_MEMBER_GROUPS=family, or set OIDC_DEFAULT_ROLE=guest")
	}
	return nil
}

// isSite reports whether text is scheme, name and perhaps a port.
func isSite(text string) bool {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.Path == "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// warn says at the start what a careful administrator should know.
func (c OIDCConfig) warn(log *slog.Logger) {
	if strings.HasPrefix(c.Issuer, "http:") {
		log.Warn("OIDC_ISSUER is not https: whoever listens on the network between this server and the provider can sign in as anybody", "issuer", c.Issuer)
	}
}

// roleOf is the role of the most powerful group that is mapped, and "" if none is.
func (c OIDCConfig) roleOf(groups []string) identity.Role {
	for _, mapped := range []struct {
		groups []string
		role   identity.Role
	}{{c.AdminGroups, identity.Administrator}, {c.MemberGroups, identity.Member}, {c.GuestGroups, identity.Guest}} {
		for _, group := range mapped.groups {
			if group = strings.TrimSpace(group); group != "" && slices.Contains(groups, group) {
				return mapped.role
			}
		}
	}
	return ""
}
