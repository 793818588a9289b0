// Command reference is the least a Go server can do to answer for a file's metadata: a bare
// net/http handler, one prepared and indexed SELECT, one JSON object. `make bench` compares
// ours with it. It keeps no log, asks nobody who they are and checks nothing.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the same driver as ours
)

// connections for each core: enough that no request waits for another's row.
const connections = 2

const query = `SELECT id, filename, content_type, size, upload_date, tags, sha256 FROM file_metadata WHERE id = ? AND deleted_at IS NULL`

// file is the JSON that ours answers.
type file struct {
	ID          string          `json:"id"`
	Filename    string          `json:"filename"`
	ContentType string          `json:"content_type"`
	Size        int64           `json:"size"`
	UploadDate  time.Time       `json:"upload_date"`
	Tags        json.RawMessage `json:"tags"`
	SHA256      *string         `json:"sha256"`
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	database := flag.String("database", "", "SQLite file of a HomeServer")
	flag.Parse()
	if err := serve(context.Background(), *listen, *database); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, listen, database string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := sql.Open("sqlite", "file:"+database+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer db.Close()
	db.SetMaxOpenConns(connections * runtime.GOMAXPROCS(0))
	db.SetMaxIdleConns(connections * runtime.GOMAXPROCS(0))
	prepared, err := db.PrepareContext(ctx, query)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer prepared.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/files/{id}/metadata", func(w http.ResponseWriter, r *http.Request) {
		var f file
		var tags string
		var micros int64
		if err := prepared.QueryRow(r.PathValue("id")).Scan(&f.ID, &f.Filename, &f.ContentType, &f.Size, &micros, &tags, &f.SHA256); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		f.UploadDate, f.Tags = time.UnixMicro(micros).UTC(), json.RawMessage(tags)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(f) // a client that left wants no answer
	})
	server := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
