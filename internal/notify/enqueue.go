package notify

import (
	"context"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/sqldb"
)

// Enqueue keeps a message for every channel that wants it, in the caller's transaction: it is
// told if and only if that commits, whatever happens to the server then. An error is a message
// that is not acceptable, or the database's.
func (n *Notify) Enqueue(ctx context.Context, tx *sqldb.Tx, m Message) error {
	now := n.now()
	if err := m.complete(now); err != nil {
		return err
	}
	kept := storedMessage{id: uuid.NewString(), Message: m, created: now.UnixMicro()}
	if err := n.store.addMessage(ctx, tx, kept); err != nil {
		return err
	}
	channels, err := n.store.wanting(ctx, tx, m)
	if err != nil {
		return err
	}
	for _, id := range channels {
		if _, err := n.store.place(ctx, tx, kept, id, kept.created); err != nil {
			return err
		}
	}
	n.wake()
	return nil
}

// Send is Enqueue in a transaction of its own.
func (n *Notify) Send(ctx context.Context, m Message) error {
	return n.store.db.Tx(ctx, func(tx *sqldb.Tx) error { return n.Enqueue(ctx, tx, m) })
}

// micro is a time of the database.
func micro(at int64) time.Time { return time.UnixMicro(at).UTC() }

// retry sends one that waits, or was given up, now.
func (n *Notify) retry(ctx context.Context, id string) error {
	err := n.store.retry(ctx, id, n.now().UnixMicro())
	if err == nil {
		n.wake()
	}
	return err
}
