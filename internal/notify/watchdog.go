package notify

import (
	"context"
	"strconv"
	"time"

	"homeserver/internal/notify/outward"
)

// watchdog is the name under which this copy works at calling it.
const watchdog = "watchdog"

// tellWatchdog calls the watchdog outside if it is time, and all is well: the database answers
// and the machine is being watched. When it is not, the calls stop, which is what it waits for.
func (n *Notify) tellWatchdog(ctx context.Context) {
	values, err := n.store.settings(ctx)
	if err != nil || values[watchdogEnabled] != "true" {
		return
	}
	settings, err := n.settingsFrom(values)
	if err != nil || !settings.Watchdog.Enabled || settings.Watchdog.URL == "" || !n.lent.Watching() {
		return
	}
	w := settings.Watchdog
	every := time.Duration(w.Minutes) * time.Minute
	if last := kept(values[watchdogLast]); last != nil {
		if ago := n.now().Sub(*last); ago >= 0 && ago < every {
			return // nothing is written while it is not time
		}
	}
	turn, err := n.store.watchdogTurn(ctx, every)
	if err != nil || !turn {
		return
	}
	err = n.senders.Doorway().Ping(ctx, w.AllowLocal, w.URL)
	if ctx.Err() != nil {
		return
	}
	at := strconv.FormatInt(n.now().UnixMicro(), 10)
	values = map[string]string{watchdogOK: at, watchdogError: "", watchdogErrorAt: "0"}
	if err != nil {
		values = map[string]string{watchdogError: outward.Sentence(err), watchdogErrorAt: at}
	}
	if err := n.store.set(ctx, n.store.db, values); err != nil {
		n.log.DebugContext(ctx, "how the watchdog answered was not kept", "error", err)
	}
}
