// Command reference is the least a Go server can do: bare net/http handlers that answer for a
// file's metadata and for the first page of the list, each with one prepared and indexed SELECT
// and encoding/json, and http.FileServer. `make bench` compares ours with it. It keeps no log,
// asks nobody who they are and checks nothing.
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

const (
	columns = `SELECT id, filename, content_type, size, upload_date, tags, sha256 FROM file_metadata WHERE deleted_at IS NULL`
	byID    = columns + ` AND id = ?`
	newest  = columns + ` ORDER BY upload_date DESC, id DESC LIMIT ?`
)

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

// read reads one row.
func (f *file) read(scan func(...any) error) error {
	var tags string
	var micros int64
	err := scan(&f.ID, &f.Filename, &f.ContentType, &f.Size, &micros, &tags, &f.SHA256)
	f.UploadDate, f.Tags = time.UnixMicro(micros).UTC(), json.RawMessage(tags)
	return err
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	database := flag.String("database", "", "SQLite file of a HomeServer")
	static := flag.String("static", "", "directory to serve under /static/")
	flag.Parse()
	if err := serve(context.Background(), *listen, *database, *static); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, listen, database, static string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	mux := http.NewServeMux()
	if database != "" {
		db, err := sql.Open("sqlite", "file:"+database+"?mode=ro&_pragma=busy_timeout(5000)")
		if err != nil {
			return fmt.Errorf("database: %w", err)
		}
		defer db.Close()
		db.SetMaxOpenConns(connections * runtime.GOMAXPROCS(0))
		db.SetMaxIdleConns(connections * runtime.GOMAXPROCS(0))
		if err := mountFiles(ctx, mux, db); err != nil {
			return err
		}
	}
	if static != "" {
		mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServer(http.Dir(static))))
	}
	server := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// mountFiles mounts metadata and list.
func mountFiles(ctx context.Context, mux *http.ServeMux, db *sql.DB) error {
	one, err := db.PrepareContext(ctx, byID) //nolint:sqlclosecheck // closed with the database
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	many, err := db.PrepareContext(ctx, newest) //nolint:sqlclosecheck // closed with the database
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	mux.HandleFunc("GET /api/v1/files/{id}/metadata", func(w http.ResponseWriter, r *http.Request) {
		var f file
		if err := f.read(one.QueryRow(r.PathValue("id")).Scan); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		answer(w, f)
	})
	mux.HandleFunc("GET /api/v1/files/list", func(w http.ResponseWriter, r *http.Request) {
		files, err := readPage(many, r.FormValue("limit"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, map[string]any{"files": files})
	})
	return nil
}

func readPage(many *sql.Stmt, limit string) ([]file, error) {
	rows, err := many.Query(limit)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	defer rows.Close()
	var files []file
	for rows.Next() {
		var f file
		if err := f.read(rows.Scan); err != nil {
			return nil, fmt.Errorf("list: %w", err)
		}
		files = append(files, f)
	}
	return files, rows.Err()
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that left wants no answer
}
