package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"homeserver/internal/config"
	"homeserver/internal/files"
	"homeserver/internal/files/vault"
	"homeserver/internal/monitor/history"
)

// HistoryReport is what VerifyHistory found, for the command line, which knows no rooms.
type HistoryReport = history.Report

// historyFile is where the history of the figures is kept.
func historyFile(c config.Config) string { return filepath.Join(c.House.DataDir, "monitoring.db") }

// VerifyHistory reads the history of the figures whole; it may run beside a serving process.
func (a *App) VerifyHistory(ctx context.Context, progress func(done, all int)) (*HistoryReport, error) {
	file := historyFile(a.config)
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no history yet: %s is not there. It is begun when the server runs for the first time", file)
	}
	return history.Verify(ctx, history.Config{URL: "sqlite:" + file}, a.log, progress)
}

// saveHistory is how the files room's backups come by the history of the figures.
func (a *App) saveHistory(ctx context.Context, put func(name string, write func(io.Writer) error) error) (damaged int, some bool, err error) {
	file := historyFile(a.config)
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return 0, false, nil // the server has never run
	}
	saved, err := history.Save(ctx, history.Config{URL: "sqlite:" + file}, a.log, func(p history.Piece) error { return put(p.Name, p.Write) })
	return saved.Damaged, true, err
}

// restoreHistory gives the history of the figures back, if the backup has it. What is damaged of
// it there is left out.
func restoreHistory(ctx context.Context, c config.Config, log *slog.Logger, b *files.StoredBackup) (*files.RestoredHistory, error) {
	pieces, err := b.Pieces()
	if err != nil {
		log.Error("the history of the figures in the backup cannot be used", "error", err)
		return &files.RestoredHistory{None: true}, ctx.Err()
	}
	if len(pieces) == 0 {
		return nil, nil
	}
	report := &files.RestoredHistory{Pieces: len(pieces)}
	// A name is unique in one directory of backups only; storages have ids of their own.
	r, err := history.BeginRestore(ctx, historyFile(c), b.Storage+" "+b.Name, log)
	if err != nil {
		return nil, err
	}
	if r == nil {
		report.Kept = true
		return report, nil
	}
	for _, p := range pieces {
		lost, err := takePiece(ctx, r, b, p)
		if err != nil {
			return nil, errors.Join(err, r.Abort())
		}
		if lost {
			log.Error("a piece of the history of the figures is damaged in the backup", "piece", p.Name, "sha256", p.SHA256)
			report.Lost++
		}
		if lost && history.Needed(p.Name) {
			report.None = true
			return report, r.Abort()
		}
	}
	report.Aside, err = r.Finish(ctx)
	return report, err
}

// takePiece takes a piece in, unless it is damaged.
func takePiece(ctx context.Context, r *history.Restoring, b *files.StoredBackup, p vault.Part) (lost bool, err error) {
	in, damaged, err := b.OpenPiece(ctx, p)
	if damaged {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer in.Close()
	if err = r.Take(ctx, p.Name, in); errors.Is(err, history.ErrPiece) {
		return true, nil
	}
	return false, err
}
