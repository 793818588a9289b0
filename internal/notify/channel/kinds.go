package channel

import (
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"homeserver/internal/notify/outward"
	"homeserver/internal/platform/errs"
)

// The kinds of channels.
const (
	KindNtfy     = "ntfy"
	KindWebhook  = "webhook"
	KindGotify   = "gotify"
	KindTelegram = "telegram"
	KindEmail    = "email"
	KindShoutrrr = "shoutrrr"
)

// Field is one thing to say of a channel.
type Field struct {
	Name     string
	Secret   bool
	Required bool
	Default  string
	Place    bool // says where the rest is sent, and how safely
}

// maxValue is the longest value of a field in bytes: an address with a token in it.
const maxValue = 2000

// Kinds lists the kinds.
func Kinds() []string {
	return []string{KindNtfy, KindWebhook, KindEmail, KindTelegram, KindGotify, KindShoutrrr}
}

// Fields lists what a kind needs to know; nil for one that is not known.
func Fields(kind string) []Field {
	switch kind {
	case KindNtfy:
		return []Field{{Name: "server", Required: true, Default: "https://ntfy.sh", Place: true}, {Name: "topic", Required: true}, {Name: "token", Secret: true}, {Name: "user"}, {Name: "password", Secret: true}}
	case KindWebhook:
		return []Field{{Name: "url", Secret: true, Required: true, Place: true}, {Name: "token", Secret: true}, {Name: "signing_key", Secret: true}}
	case KindGotify:
		return []Field{{Name: "server", Required: true, Place: true}, {Name: "token", Secret: true, Required: true}}
	case KindTelegram:
		return []Field{{Name: "token", Secret: true, Required: true}, {Name: "chat", Required: true}}
	case KindEmail:
		return []Field{{Name: "host", Required: true, Place: true}, {Name: "port", Place: true}, {Name: "security", Required: true, Default: securitySTARTTLS, Place: true},
			{Name: "user"}, {Name: "password", Secret: true}, {Name: "from", Required: true}, {Name: "to", Required: true}}
	case KindShoutrrr:
		return []Field{{Name: "url", Secret: true, Required: true, Place: true}}
	}
	return nil
}

// Complete fills in defaults, drops what is empty and judges the rest.
func (s *Senders) Complete(to Target) (Target, error) {
	fields := Fields(to.Kind)
	if fields == nil {
		return to, errs.Newf(errs.Invalid, "%q is no kind of channel; there are %s.", to.Kind, strings.Join(Kinds(), ", "))
	}
	clean := map[string]string{}
	for name, value := range to.Settings {
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == name }) {
			return to, errs.Newf(errs.Invalid, "A channel of the kind %s has no setting %q.", to.Kind, name)
		}
		if value = strings.TrimSpace(value); value == "" {
			continue
		}
		if len(value) > maxValue || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return to, errs.Newf(errs.Invalid, "The setting %s is too long, or holds characters that cannot be typed.", name)
		}
		clean[name] = value
	}
	for _, f := range fields {
		if clean[f.Name] == "" && f.Default != "" {
			clean[f.Name] = f.Default
		}
		if clean[f.Name] == "" && f.Required {
			return to, errs.Newf(errs.Invalid, "A channel of the kind %s needs the setting %s.", to.Kind, f.Name)
		}
	}
	to.Settings = clean
	return to, s.judge(to)
}

func (s *Senders) judge(to Target) error {
	switch v := to.Settings; to.Kind {
	case KindNtfy:
		if strings.Trim(v["topic"], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" || len(v["topic"]) > maxTopic {
			return errs.Newf(errs.Invalid, "A topic has letters, digits, - and _, at most %d of them.", maxTopic)
		}
		return s.judgeServer(to)
	case KindGotify:
		return s.judgeServer(to)
	case KindWebhook:
		return s.doorway.CheckURL("The address", v["url"], to.AllowLocal)
	case KindTelegram:
		if strings.Trim(v["token"], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:") != "" || !strings.Contains(v["token"], ":") {
			return errs.New(errs.Invalid, "The token of a Telegram bot looks like 123456:ABC-DEF; BotFather shows it.")
		}
	case KindEmail:
		return judgeEmail(s.doorway, to)
	case KindShoutrrr:
		return s.judgeShoutrrr(to)
	}
	return nil
}

// judgeServer judges the address of a server behind which more of the address is put.
func (s *Senders) judgeServer(to Target) error {
	server := to.Settings["server"]
	if strings.ContainsAny(server, "?#") {
		return errs.New(errs.Invalid, "The server's address holds ? or #, and must end before them, as in https://example.org/path.")
	}
	return s.doorway.CheckURL("The server", server, to.AllowLocal)
}

// maxTopic is ntfy's own limit, in characters.
const maxTopic = 64

func judgeEmail(d *outward.Doorway, to Target) error {
	v := to.Settings
	if !slices.Contains([]string{securitySTARTTLS, securityTLS, securityNone}, v["security"]) {
		return errs.Newf(errs.Invalid, "security is %q, and can be starttls, tls or none.", v["security"])
	}
	if err := outward.CheckPort("The mail server", v["port"]); err != nil {
		return err
	}
	if strings.ContainsAny(v["host"], " /@[]") {
		return errs.Newf(errs.Invalid, "The mail server is %q, and must be a name such as smtp.example.org.", v["host"])
	}
	if v["security"] == securityNone && v["user"] != "" {
		return errs.New(errs.Invalid, "Without TLS no password is sent. Choose STARTTLS or TLS, or leave the user out.")
	}
	if _, err := mail.ParseAddress(v["from"]); err != nil {
		return errs.Newf(errs.Invalid, "The sender is %q, and must be an address such as home@example.org.", v["from"])
	}
	list, err := mail.ParseAddressList(v["to"])
	if err != nil || len(list) > maxRecipients {
		return errs.Newf(errs.Invalid, "The recipients must be up to %d addresses such as ada@example.org, separated by commas.", maxRecipients)
	}
	return d.JudgeHost(v["host"], to.AllowLocal)
}

// SamePlace reports whether two targets of one kind, both complete, send to the same server in
// the same way.
func SamePlace(a, b Target) bool {
	return !slices.ContainsFunc(Fields(a.Kind), func(f Field) bool { return f.Place && a.Settings[f.Name] != b.Settings[f.Name] })
}

// Split separates what may be read from what may not.
func Split(to Target) (open, secret map[string]string) {
	open, secret = map[string]string{}, map[string]string{}
	for _, f := range Fields(to.Kind) {
		value, set := to.Settings[f.Name]
		switch {
		case !set:
		case f.Secret:
			secret[f.Name] = value
		default:
			open[f.Name] = value
		}
	}
	return open, secret
}

// Where says where a channel leads, without secrets.
func Where(to Target) string {
	v := to.Settings
	host := func(address string) string {
		u, err := url.Parse(address)
		if err != nil {
			return ""
		}
		return u.Host
	}
	switch to.Kind {
	case KindNtfy:
		return v["topic"] + " at " + host(v["server"])
	case KindGotify:
		return host(v["server"])
	case KindWebhook:
		return host(v["url"])
	case KindTelegram:
		return "chat " + v["chat"]
	case KindEmail:
		return v["to"]
	case KindShoutrrr:
		scheme, _, _ := strings.Cut(v["url"], ":")
		return scheme
	}
	return ""
}
