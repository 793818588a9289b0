package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// apiKey is the key ours runs with, so that the sign-in check is part of every figure.
const apiKey = "benchmark-key-4711-4711-4711"

// house is our server with its data.
type house struct {
	*process
	dir     string
	answers time.Duration // from the start of the process to its first answer
}

// open starts our server on a library of the given number of files, made once per run.
func (b *bench) open(ctx context.Context, library string, files int) (*house, error) {
	h := &house{dir: filepath.Join(b.dir, library)}
	if _, err := os.Stat(h.dir); err == nil || files == 0 {
		return h, h.start(ctx, b)
	}
	b.say("preparing a library of %d files", files)
	if err := h.start(ctx, b); err != nil {
		return nil, err
	}
	id, err := h.upload("seed", []byte("the one content that all seeded files share"))
	h.stop()
	if err == nil {
		err = seed(ctx, h.database(), id, files)
	}
	if err != nil {
		return nil, fmt.Errorf("library of %d files: %w", files, err)
	}
	return h, h.start(ctx, b)
}

// database is the SQLite file of the library.
func (h *house) database() string { return filepath.Join(h.dir, "homeserver.db") }

// start starts the server and waits for its first answer.
func (h *house) start(ctx context.Context, b *bench) error {
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "DATA_DIR=" + h.dir, "HOST=" + host, "PORT=" + port, "API_KEY=" + apiKey}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return err
	}
	began := time.Now()
	h.process, err = startProcess(ctx, addr, h.dir+".log", env, b.binary, "serve")
	if err != nil {
		return err
	}
	c, err := dial(addr)
	if err == nil {
		defer c.conn.Close()
		_, err = c.do(h.get("/health"), nil)
	}
	h.answers = time.Since(began)
	if err != nil {
		h.stop()
	}
	return err
}

// get is a GET request with the key.
func (h *house) get(path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\n\r\n", path, h.addr, apiKey)
}

// fetch gets a JSON answer.
func (h *house) fetch(path string, into any) error {
	c, err := dial(h.addr)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	var body bytes.Buffer
	a, err := c.do(h.get(path), &body)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	if a.status != 200 {
		return fmt.Errorf("GET %s: status %d: %.200s", path, a.status, body.String())
	}
	return json.Unmarshal(body.Bytes(), into)
}

// Multipart around a file's content.
const (
	boundary   = "bench-boundary-4711"
	partBefore = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: application/octet-stream\r\n\r\n"
	partAfter  = "\r\n--" + boundary + "--\r\n"
)

// uploadHead is the request up to the first byte of a file of size bytes.
func (h *house) uploadHead(name string, size int64) []byte {
	before := fmt.Sprintf(partBefore, name)
	length := strconv.FormatInt(int64(len(before)+len(partAfter))+size, 10)
	return []byte("POST /api/v1/files/upload HTTP/1.1\r\nHost: " + h.addr + "\r\nX-API-Key: " + apiKey +
		"\r\nContent-Type: multipart/form-data; boundary=" + boundary + "\r\nContent-Length: " + length + "\r\n\r\n" + before)
}

// uploaded reads the answer to an upload and returns the file's id.
func uploaded(a answer, body []byte) (string, error) {
	if a.status != 200 {
		return "", fmt.Errorf("upload: status %d: %.200s", a.status, body)
	}
	var file struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &file); err != nil {
		return "", fmt.Errorf("upload: %w", err)
	}
	return file.ID, nil
}

// upload stores a small file and returns its id.
func (h *house) upload(name string, content []byte) (string, error) {
	c, err := dial(h.addr)
	if err != nil {
		return "", err
	}
	defer c.conn.Close()
	request := append(append(h.uploadHead(name, int64(len(content))), content...), partAfter...)
	var body bytes.Buffer
	a, err := c.do(request, &body)
	if err != nil {
		return "", fmt.Errorf("upload: %w", err)
	}
	return uploaded(a, body.Bytes())
}

// ids returns the ids of the first n files of the list.
func (h *house) ids(n int) ([]string, error) {
	var page struct {
		Files []struct {
			ID string `json:"id"`
		} `json:"files"`
	}
	if err := h.fetch("/api/v1/files/list?limit="+strconv.Itoa(n), &page); err != nil {
		return nil, err
	}
	ids := make([]string, 0, n)
	for _, f := range page.Files {
		ids = append(ids, f.ID)
	}
	return ids, nil
}
