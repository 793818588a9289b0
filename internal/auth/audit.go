package auth

import (
	"context"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

const (
	// auditKept is how long the audit log goes back.
	auditKept = 365 * 24 * time.Hour
	// expiredTokenShown is how long a token that has expired is still listed, so that its person
	// sees why a program stopped working.
	expiredTokenShown = 30 * 24 * time.Hour
	// maxAuditText bounds the texts of an entry, in bytes; names of files are shorter.
	maxAuditText = 500
)

// Record writes a line of the audit log: that whoever asks in ctx did action to target. None
// of the texts may hold a secret. An entry that cannot be written is in the server's log
// instead: what it tells of has happened all the same.
func (a *Auth) Record(ctx context.Context, action, target, detail string) {
	a.recordAs(ctx, actorOf(identity.From(ctx)), action, target, detail)
}

// record is Record for this room.
func (a *Auth) record(ctx context.Context, action, target, detail string) {
	a.Record(ctx, action, target, detail)
}

func (a *Auth) recordAs(ctx context.Context, actor, action, target, detail string) {
	e := entry{at: a.now().UnixMicro(), id: uuid.NewString(), actor: short(actor), action: action, target: short(target), address: httpd.ClientAddr(ctx), detail: short(detail)}
	if err := a.store.insertEntry(context.WithoutCancel(ctx), a.store.db, e); err != nil {
		a.log.Warn("an entry of the audit log could not be kept", "actor", e.actor, "action", e.action, "target", e.target, "from", e.address, "error", err)
	}
}

// actorOf names who acts.
func actorOf(p identity.Principal) string {
	switch {
	case p.UserID != "", p.Method == identity.Terminal:
		return p.Name
	case p.Method == identity.Nobody:
		return ""
	default:
		return "household"
	}
}

func short(text string) string {
	if len(text) > maxAuditText {
		text = text[:maxAuditText]
	}
	return toUTF8(text)
}

// Tidy removes what has expired and audit entries older than a year.
func (a *Auth) Tidy(ctx context.Context) error {
	now := a.now()
	a.trusted.Range(func(address, since any) bool {
		if at, ok := since.(int64); ok && now.UnixMicro()-at >= trustFor.Microseconds() {
			a.trusted.Delete(address)
		}
		return true
	})
	return a.store.tidy(ctx, now.UnixMicro(), now.Add(-auditKept).UnixMicro())
}
