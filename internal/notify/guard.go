package notify

import (
	"context"
	"maps"
	"strings"

	"homeserver/internal/notify/channel"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// withSecrets adds the secrets that stay to what was typed. They stay only where they were
// entered for: whoever may change a channel must not have them sent to a place of their own.
// same says that the channel leads where it led.
func (n *Notify) withSecrets(old, c *Channel, typed map[string]string) (all map[string]string, same bool, err error) {
	all = maps.Clone(typed)
	if all == nil {
		all = map[string]string{}
	}
	was, unreadable := n.target(old)
	var kept []string
	for _, f := range channel.Fields(old.Kind) {
		if _, said := typed[f.Name]; f.Secret && !said {
			if unreadable != nil {
				return nil, false, unreadable // it cannot stay unread
			}
			if value := was.Settings[f.Name]; value != "" {
				all[f.Name] = value
				kept = append(kept, f.Name)
			}
		}
	}
	is, err := n.senders.Complete(channel.Target{Kind: c.Kind, AllowLocal: c.AllowLocal, Settings: all})
	if err != nil {
		return nil, false, err
	}
	same = unreadable == nil && channel.SamePlace(was, is)
	if len(kept) > 0 && (!same || old.AllowLocal != c.AllowLocal) {
		return nil, false, errs.Newf(errs.Invalid, "Enter %s anew, or remove it: secrets are kept only for the server that they were entered for, and for the network that it may be in.", strings.Join(kept, " and "))
	}
	return all, same, nil
}

// mayAllowLocal refuses a way into the own network to somebody of whom nobody knows who they are.
func mayAllowLocal(ctx context.Context, local bool) error {
	if local && identity.From(ctx).Method == identity.None {
		return errs.New(errs.Forbidden, "This server asks nobody who they are (AUTH=none), so nobody may let it connect to addresses in the own network. Start it without AUTH=none and allow it there: it stays allowed for that server.")
	}
	return nil
}
