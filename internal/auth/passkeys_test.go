package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// Flags of an authenticator (WebAuthn section 6.1).
const (
	flagPresent, flagVerified, flagAttested = 0x01, 0x04, 0x40
)

// authenticator is a phone with one passkey (ES256), and the browser that speaks to it.
type authenticator struct {
	key     *ecdsa.PrivateKey
	id      []byte
	handle  []byte
	rpID    string
	origin  string
	counter uint32
	flags   byte
}

func (h *house) authenticator() *authenticator {
	h.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		h.Fatal(err)
	}
	return &authenticator{key: key, id: []byte(rand.Text()), rpID: "localhost", origin: h.url, flags: flagPresent | flagVerified}
}

// options are the parts of what the server asks for that the authenticator reads.
type options struct {
	ID      string `json:"id"`
	Options struct {
		PublicKey struct {
			Challenge          string         `json:"challenge"`
			UserVerification   string         `json:"userVerification"`
			ExcludeCredentials []struct{}     `json:"excludeCredentials"`
			Selection          map[string]any `json:"authenticatorSelection"`
			RP                 struct{ ID string }
			User               struct{ ID, Name string }
		} `json:"publicKey"`
	} `json:"options"`
}

func text(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// data is the authenticator's data with its counter moved on.
func (p *authenticator) data(flags byte) []byte {
	p.counter++
	hash := sha256.Sum256([]byte(p.rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), p.counter)
}

func (p *authenticator) client(kind, challenge string) []byte {
	raw, _ := json.Marshal(object{"type": kind, "challenge": challenge, "origin": p.origin, "crossOrigin": false}) // strings only
	return raw
}

// create makes the passkey.
func (p *authenticator) create(t *testing.T, o options) object {
	t.Helper()
	var err error
	if p.handle, err = base64.RawURLEncoding.DecodeString(o.Options.PublicKey.User.ID); err != nil {
		t.Fatal(err)
	}
	point, err := p.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 32), point[33:]...)
	data := append(p.data(p.flags|flagAttested), make([]byte, 16)...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(p.id))), p.id...)
	data = append(data, cose...)
	attestation := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	attestation = append(attestation, data...)
	return object{"id": text(p.id), "rawId": text(p.id), "type": "public-key", "clientExtensionResults": object{"credProps": object{"rk": true}}, "response": object{
		"clientDataJSON": text(p.client("webauthn.create", o.Options.PublicKey.Challenge)), "attestationObject": text(attestation), "transports": []string{"internal"}}}
}

// get shows the passkey.
func (p *authenticator) get(t *testing.T, o options) object {
	t.Helper()
	data, client := p.data(p.flags), p.client("webauthn.get", o.Options.PublicKey.Challenge)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, p.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return object{"id": text(p.id), "rawId": text(p.id), "type": "public-key", "clientExtensionResults": object{}, "response": object{
		"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature), "userHandle": text(p.handle)}}
}

// addPasskey adds the passkey to the account that is signed in, and returns its id.
func (b *browser) addPasskey(p *authenticator, name string) string {
	b.h.Helper()
	o := read[options](b.do(http.MethodPost, "/api/v1/account/passkeys/begin", object{}).want(http.StatusOK))
	made := b.do(http.MethodPost, "/api/v1/account/passkeys", object{"id": o.ID, "name": name, "credential": p.create(b.h.T, o)}).want(http.StatusOK)
	return read[PasskeyBody](made).ID
}

func (b *browser) beginPasskey() options {
	b.h.Helper()
	return read[options](b.do(http.MethodPost, "/api/v1/session/passkey/begin", object{}).want(http.StatusOK))
}

func (b *browser) showPasskey(o options, credential object) reply {
	b.h.Helper()
	return b.do(http.MethodPost, "/api/v1/session/passkey", object{"id": o.ID, "credential": credential})
}

// usePasskey signs in.
func (b *browser) usePasskey(p *authenticator) reply {
	b.h.Helper()
	o := b.beginPasskey()
	return b.showPasskey(o, p.get(b.h.T, o))
}

func TestPasskey(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		b, p := h.signedIn(bobName, bobPassword), h.authenticator()
		b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK, `"passkey":false`)
		o := read[options](b.do(http.MethodPost, "/api/v1/account/passkeys/begin", object{}).want(http.StatusOK))
		asked := o.Options.PublicKey
		if asked.RP.ID != "localhost" || asked.User.Name != bobName || asked.Selection["residentKey"] != "required" || asked.Selection["userVerification"] != "required" {
			t.Errorf("got options %+v", asked)
		}
		credential := p.create(t, o)
		b.do(http.MethodPost, "/api/v1/account/passkeys", object{"id": o.ID, "name": "phone", "credential": credential}).want(http.StatusOK, `"name":"phone"`, `"used_at":null`)
		b.do(http.MethodPost, "/api/v1/account/passkeys", object{"id": o.ID, "name": "again", "credential": credential}).want(http.StatusNotFound)
		b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK, `"passkey":true`)
		byAddress := strings.Replace(h.url, "localhost", "127.0.0.1", 1)
		b.do(http.MethodGet, byAddress+"/api/v1/session", nil).want(http.StatusOK, `"passkey":false`)
		b.do(http.MethodPost, byAddress+"/api/v1/session/passkey/begin", object{}).want(http.StatusConflict, "name")
		if again := read[options](b.do(http.MethodPost, "/api/v1/account/passkeys/begin", object{}).want(http.StatusOK)); len(again.Options.PublicKey.ExcludeCredentials) != 1 {
			t.Error("the passkey that there is was not excluded")
		}

		phone := h.browser()
		if o := phone.beginPasskey(); o.Options.PublicKey.UserVerification != "required" {
			t.Errorf("got user verification %q", o.Options.PublicKey.UserVerification)
		}
		phone.usePasskey(p).want(http.StatusOK, `"name":"bob"`, `"method":"session"`)
		if phone.who() != bobName {
			t.Error("the passkey began no session")
		}
		phone.usePasskey(p).want(http.StatusOK)
		account := phone.do(http.MethodGet, "/api/v1/account", nil).want(http.StatusOK)
		keys := read[accountBody](account).Passkeys
		if len(keys) != 1 || keys[0].UsedAt == nil {
			t.Errorf("got passkeys %+v", keys)
		}
		phone.do(http.MethodGet, "/api/v1/account/sessions", nil).want(http.StatusOK, `"method":"passkey"`)
		phone.do(http.MethodPatch, "/api/v1/account/passkeys/"+keys[0].ID, object{"name": "old phone"}).want(http.StatusOK, `"old phone"`)
		h.signedIn(adaName, adaPassword).do(http.MethodPatch, "/api/v1/account/passkeys/"+keys[0].ID, object{"name": "mine"}).want(http.StatusNotFound)
		if h.audited("passkey.added", bobName) != 1 || h.audited("signin", bobName) != 3 {
			t.Errorf("got audit log %+v", h.audit())
		}
	})
}

// TestPasskeyRefused are answers that must not open the house.
func TestPasskeyRefused(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		p := h.authenticator()
		h.signedIn(bobName, bobPassword).addPasskey(p, "phone")
		for name, change := range map[string]func(p *authenticator){
			"wrong origin":  func(p *authenticator) { p.origin = "https://localhost.evil.example" },
			"wrong rp":      func(p *authenticator) { p.rpID = "evil.example" },
			"no finger":     func(p *authenticator) { p.flags = flagPresent },
			"another's key": func(p *authenticator) { p.key = h.authenticator().key },
			"unknown":       func(p *authenticator) { p.id = []byte("nobody knows it") },
			"other person":  func(p *authenticator) { p.handle = []byte("another") },
		} {
			wrong := *p
			wrong.counter += 10
			change(&wrong)
			b := h.browser()
			if got := b.usePasskey(&wrong); got.status != http.StatusUnauthorized || !strings.Contains(got.body, detailPasskey) || b.who() != "" {
				t.Errorf("%s: got %d %s", name, got.status, got.body)
			}
		}
		h.pass(provedFor) // forgives
		b := h.browser()
		o := b.beginPasskey()
		o.Options.PublicKey.Challenge = text([]byte("a challenge of somebody else....."))
		b.showPasskey(o, p.get(t, o)).want(http.StatusUnauthorized, detailPasskey)
		b.showPasskey(options{ID: "garbage"}, p.get(t, o)).want(http.StatusUnauthorized, "Try again")
		late := b.beginPasskey()
		h.pass(passkeyLife)
		b.showPasskey(late, p.get(t, late)).want(http.StatusUnauthorized, "Try again")
		b.usePasskey(p).want(http.StatusOK)
	})
}

func TestPasskeyReplay(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		p := h.authenticator()
		h.signedIn(bobName, bobPassword).addPasskey(p, "phone")
		b := h.browser()
		o := b.beginPasskey()
		credential := p.get(t, o)
		b.showPasskey(o, credential).want(http.StatusOK)
		h.browser().showPasskey(o, credential).want(http.StatusUnauthorized)
		h.browser().showPasskey(o, p.get(t, o)).want(http.StatusUnauthorized, "Try again") // a new count, an old challenge

		o = b.beginPasskey()
		credential = p.get(t, o)
		var group sync.WaitGroup
		statuses := make([]int, 4)
		for i := range statuses {
			other := h.browser()
			group.Go(func() { statuses[i] = other.showPasskey(o, credential).status })
		}
		group.Wait()
		successes := 0
		for _, status := range statuses {
			if status == http.StatusOK {
				successes++
			}
		}
		if successes != 1 {
			t.Errorf("four times the same answer at once: got %v want one success", statuses)
		}
	})
}

func TestCopiedPasskey(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		p := h.authenticator()
		h.signedIn(bobName, bobPassword).addPasskey(p, "phone")
		clone := *p
		h.browser().usePasskey(p).want(http.StatusOK)
		h.browser().usePasskey(&clone).want(http.StatusUnauthorized, "copied")
		h.browser().usePasskey(p).want(http.StatusOK)
		if h.audited("passkey.copied", bobName) != 1 {
			t.Errorf("got audit log %+v", h.audit())
		}
	})
}

func TestPasskeyOfDisabledPerson(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		b, p := h.signedIn(bobName, bobPassword), h.authenticator()
		b.addPasskey(p, "phone")
		u, err := h.auth.UserByName(t.Context(), bobName)
		if err != nil {
			t.Fatal(err)
		}
		disabled := true
		if _, err := h.auth.ChangeUser(t.Context(), u.ID, UserChange{Disabled: &disabled}); err != nil {
			t.Fatal(err)
		}
		if b.who() != "" {
			t.Error("the session goes on")
		}
		b.usePasskey(p).want(http.StatusUnauthorized, detailPasskey)
	})
}

func TestLastWayIn(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		b, first, second := h.signedIn(bobName, bobPassword), h.authenticator(), h.authenticator()
		remove := func(id string) reply { return b.do(http.MethodDelete, "/api/v1/account/passkeys/"+id, nil) }
		b.do(http.MethodDelete, "/api/v1/account/password", nil).want(http.StatusConflict)
		firstID, secondID := b.addPasskey(first, "phone"), b.addPasskey(second, "key")
		b.do(http.MethodDelete, "/api/v1/account/password", nil).want(http.StatusNoContent)
		b.do(http.MethodDelete, "/api/v1/account/password", nil).want(http.StatusConflict)
		h.browser().signIn(bobName, bobPassword, "").want(http.StatusUnauthorized, detailWrong)
		b.do(http.MethodPost, "/api/v1/account/totp/begin", object{}).want(http.StatusConflict)
		remove(firstID).want(http.StatusNoContent)
		remove(secondID).want(http.StatusConflict, "only way")
		remove(firstID).want(http.StatusNotFound)
		h.browser().usePasskey(first).want(http.StatusUnauthorized)
		b.usePasskey(second).want(http.StatusOK)
		b.do(http.MethodPut, "/api/v1/account/password", object{"new": "quite another one"}).want(http.StatusNoContent)
		remove(secondID).want(http.StatusNoContent)
		b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK, `"passkey":false`)

		h.pass(2 * provedFor)
		b.do(http.MethodPost, "/api/v1/account/passkeys/begin", object{}).want(http.StatusUnauthorized, typeConfirm)
		b.do(http.MethodDelete, "/api/v1/account/password", nil).want(http.StatusUnauthorized, typeConfirm)
		remove(secondID).want(http.StatusUnauthorized, typeConfirm)
	})
}

func TestPasskeysOfTwoPeople(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		ada, bob, p := h.signedIn(adaName, adaPassword), h.signedIn(bobName, bobPassword), h.authenticator()
		bob.addPasskey(p, "phone")
		o := read[options](ada.do(http.MethodPost, "/api/v1/account/passkeys/begin", object{}).want(http.StatusOK))
		ada.do(http.MethodPost, "/api/v1/account/passkeys", object{"id": o.ID, "name": "same", "credential": p.create(t, o)}).want(http.StatusConflict)
		o = read[options](ada.do(http.MethodPost, "/api/v1/account/passkeys/begin", object{}).want(http.StatusOK))
		bob.do(http.MethodPost, "/api/v1/account/passkeys", object{"id": o.ID, "name": "hers", "credential": h.authenticator().create(t, o)}).want(http.StatusNotFound)
		carol := h.add("carol", "a quiet evening", identity.Guest)
		guest := h.signedIn(carol.Name, "a quiet evening")
		guest.addPasskey(h.authenticator(), "tablet") // guests sign in too
	})
}

func TestSiteOf(t *testing.T) {
	for _, c := range []struct {
		host     string
		secure   bool
		want     site
		sentence string
	}{
		{"home.example.org", true, site{"home.example.org", "https://home.example.org"}, ""},
		{"Home.Example.org:8443", true, site{"home.example.org", "https://home.example.org:8443"}, ""},
		{"localhost:8000", false, site{"localhost", "http://localhost:8000"}, ""},
		{"nas.localhost", false, site{"nas.localhost", "http://nas.localhost"}, ""},
		{"nas.local", false, site{}, "https"},
		{"192.168.1.10:8000", true, site{}, "address"},
		{"127.0.0.1", false, site{}, "address"},
		{"[::1]:8000", true, site{}, "address"},
		{"", true, site{}, "address"},
	} {
		got, err := siteOf(c.host, c.secure)
		if got != c.want || (err == nil) != (c.sentence == "") || err != nil && !strings.Contains(err.Error(), c.sentence) {
			t.Errorf("%q secure %v: got %+v, %v", c.host, c.secure, got, err)
		}
	}
}
