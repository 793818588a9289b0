// Command watcher is the monitoring room alone: it samples every 2 s and keeps the history, and
// serves nothing. `make bench` measures what that costs, with Go's own settings of its collector. It listens only to say that it runs,
// and answers every connection with the number of its series.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"homeserver/internal/monitor"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address that answers the number of series")
	root := flag.String("root", "/", "where /proc and /sys are found")
	dir := flag.String("dir", ".", "directory of the history")
	flag.Parse()
	if err := watch(context.Background(), *listen, *root, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "watcher:", err)
		os.Exit(1)
	}
}

func watch(ctx context.Context, listen, root, dir string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	config := monitor.Config{StoragePath: dir, Started: time.Now(), Root: root, HistoryURL: "sqlite:" + filepath.Join(dir, "monitoring.db")}
	room := monitor.New(config, func() (int64, int64) { return 0, 0 }, log)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				fmt.Fprintln(conn, room.SeriesCount())
				conn.Close()
			}
		}
	}()
	defer l.Close()
	return room.Run(ctx)
}
