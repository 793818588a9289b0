package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"homeserver/internal/monitor/history"
)

// HistoryReport is what VerifyHistory found, for the command line, which knows no rooms.
type HistoryReport = history.Report

// historyFile is where the history of the figures is kept.
func (a *App) historyFile() string { return filepath.Join(a.config.House.DataDir, "monitoring.db") }

// VerifyHistory reads the history of the figures whole; it may run beside a serving process.
func (a *App) VerifyHistory(ctx context.Context, progress func(done, all int)) (*HistoryReport, error) {
	if _, err := os.Stat(a.historyFile()); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no history yet: %s is not there. It is begun when the server runs for the first time", a.historyFile())
	}
	return history.Verify(ctx, history.Config{URL: "sqlite:" + a.historyFile()}, a.log, progress)
}
