package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"homeserver/internal/notify/outward"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// How the connection to a mail server is made safe.
const (
	securitySTARTTLS = "starttls"
	securityTLS      = "tls"
	securityNone     = "none"
)

// maxHeard is how much of what a mail server says is read in one conversation, in bytes: a few
// dozen lines and its certificates. An answer without an end would fill the memory.
const maxHeard = 1 << 20

// heard is a connection of which only so much is read.
type heard struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (h *heard) Read(b []byte) (int, error) {
	if h.left <= 0 {
		return 0, errs.New(errs.Invalid, "The mail server says more than mail servers say.")
	}
	n, err := h.Conn.Read(b[:min(len(b), h.left)])
	h.left -= n
	return n, err
}

// maxRecipients bounds the addresses of one channel: a household, not a mailing list.
const maxRecipients = 20

// email sends a note by SMTP (RFC 5321). Recipients that the server refuses do not keep the
// others from getting it; they are the warning.
func (s *Senders) email(ctx context.Context, to Target, n Note) (warning string, err error) {
	if err := judgeEmail(s.doorway, to); err != nil {
		return "", err
	}
	v := to.Settings
	from, err := mail.ParseAddress(v["from"])
	if err != nil {
		return "", err
	}
	recipients, err := mail.ParseAddressList(v["to"])
	if err != nil {
		return "", err
	}
	conn, err := s.dialMail(ctx, to)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	// The conversation knows no context: a server that is slow must not hold up the end of this one.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c, err := s.greetMail(conn, v)
	if err != nil {
		return "", explainMail(err)
	}
	if err := signIn(c, v); err != nil {
		return "", explainMail(err)
	}
	if err := c.Mail(from.Address); err != nil {
		return "", explainMail(err)
	}
	var refused []string
	var why error
	for _, r := range recipients {
		if err := c.Rcpt(r.Address); err != nil {
			refused, why = append(refused, r.Address), err
		}
	}
	if len(refused) == len(recipients) {
		return "", explainMail(why)
	}
	w, err := c.Data()
	if err == nil {
		if _, err = w.Write(letter(from, recipients, n)); err == nil {
			err = w.Close() // its answer is the server's receipt
		}
	}
	if err != nil {
		return "", explainMail(err)
	}
	_ = c.Quit() // it has the letter, however it says goodbye
	if len(refused) > 0 {
		warning = "The mail server refused " + strings.Join(refused, ", ") + ". " + outward.Sentence(explainMail(why))
	}
	return warning, nil
}

// dialMail connects to a mail server.
func (s *Senders) dialMail(ctx context.Context, to Target) (net.Conn, error) {
	v := to.Settings
	port := v["port"]
	if port == "" {
		port = map[string]string{securityTLS: "465", securitySTARTTLS: "587", securityNone: "25"}[v["security"]]
	}
	conn, err := s.doorway.Dial(ctx, net.JoinHostPort(v["host"], port), to.AllowLocal)
	if err != nil {
		return nil, err
	}
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(sendTimeout)
	}
	if err := conn.SetDeadline(until); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &heard{conn, maxHeard}, nil
}

// greetMail begins the conversation and makes the connection safe.
func (s *Senders) greetMail(conn net.Conn, v map[string]string) (*smtp.Client, error) {
	if v["security"] == securityTLS {
		conn = tls.Client(conn, s.doorway.TLS(v["host"]))
	}
	c, err := smtp.NewClient(conn, v["host"])
	if err != nil {
		return nil, err
	}
	if err := c.Hello(domainOf(v["from"])); err != nil {
		return nil, err
	}
	if v["security"] != securitySTARTTLS {
		return c, nil
	}
	if offered, _ := c.Extension("STARTTLS"); !offered {
		err = errs.New(errs.Invalid, "The mail server offers no STARTTLS at this port. Try TLS at port 465.")
	} else {
		err = c.StartTLS(s.doorway.TLS(v["host"]))
	}
	return c, err
}

// domainOf is the name that the house greets a mail server with: that of the sender's domain,
// since the machine's own name tells strangers more than they need.
func domainOf(address string) string {
	if a, err := mail.ParseAddress(address); err == nil {
		if _, domain, ok := strings.Cut(a.Address, "@"); ok {
			return domain
		}
	}
	return "localhost"
}

// signIn uses the best way that the server offers.
func signIn(c *smtp.Client, v map[string]string) error {
	if v["user"] == "" {
		return nil
	}
	_, offered := c.Extension("AUTH")
	ways := strings.Fields(strings.ToUpper(offered))
	for _, way := range ways {
		if way == "PLAIN" {
			return c.Auth(smtp.PlainAuth("", v["user"], v["password"], v["host"]))
		}
	}
	for _, way := range ways {
		if way == "LOGIN" {
			return c.Auth(&login{v["user"], v["password"]})
		}
	}
	return errs.New(errs.Invalid, "The mail server offers no way to sign in that this server knows (PLAIN, LOGIN). Leave the user out if it asks for none.")
}

// login is the mechanism LOGIN, which some large providers offer alone.
type login struct{ user, password string }

// Start implements smtp.Auth.
func (l *login) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errs.New(errs.Invalid, "Without TLS no password is sent.")
	}
	return "LOGIN", nil, nil
}

// Next implements smtp.Auth.
func (l *login) Next(question []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	switch strings.ToLower(strings.Trim(string(question), " :")) {
	case "username", "user name":
		return []byte(l.user), nil
	case "password":
		return []byte(l.password), nil
	}
	return nil, errs.New(errs.Invalid, "The mail server asks for something other than user and password.")
}

// explainMail turns a mail server's answer into a sentence.
func explainMail(err error) error {
	var said *textproto.Error
	if !errors.As(err, &said) {
		return err
	}
	answer := strconv.Itoa(said.Code) + " " + said.Msg
	sentence := "The mail server answered " + answer
	switch said.Code {
	case 535, 534, 530:
		sentence = "The mail server does not accept user and password (many providers want an app password): " + answer
	}
	refused := said.Code == 552 || said.Code == 554 // too large, or taken for spam
	return &Failure{Sentence: strings.TrimSuffix(httpd.OneLine(shorten(sentence, maxQuoted)), ".") + ".", Refused: refused}
}
