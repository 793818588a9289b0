package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync"
)

// unfinished is an upload that the server still keeps.
type unfinished struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	Path     string `json:"relative_path"`
	Folder   string `json:"folder"`
	Size     *int64 `json:"size"`
	Offset   int64  `json:"offset"`
	Received string `json:"received_sha256"` // digest of the bytes up to Offset; "" when it is not known
	Partial  bool   `json:"partial"`
}

// pending are the unfinished uploads of the person, each to be taken once.
type pending struct {
	mu   sync.Mutex
	list []unfinished
}

// take finds the unfinished upload of a file, if there is one: of its name, its size, and what
// has come of it is the file's beginning.
func (p *pending) take(ctx context.Context, folder string, f *source, file io.ReaderAt) (id string, err error) {
	for _, u := range p.candidates(folder, f) {
		if u.Offset > 0 && u.Received != "" {
			same, err := begins(ctx, file, u.Offset, u.Received)
			if err != nil {
				return "", err
			}
			if !same {
				continue
			}
		}
		if p.claim(u.ID) {
			return u.ID, nil
		}
	}
	return "", nil
}

// candidates are the uploads of a file's name and size.
func (p *pending) candidates(folder string, f *source) (list []unfinished) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.list {
		rel := u.Path
		if rel == "" {
			rel = u.Filename
		}
		if !u.Partial && u.Folder == folder && rel == f.rel && u.Size != nil && *u.Size == f.size && u.Offset <= f.size {
			list = append(list, u)
		}
	}
	return list
}

// claim takes an upload out, unless somebody else has.
func (p *pending) claim(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.list, func(u unfinished) bool { return u.ID == id })
	if i < 0 {
		return false
	}
	p.list = slices.Delete(p.list, i, i+1)
	return true
}

// begins reports whether the first n bytes of a file have a digest.
func begins(ctx context.Context, file io.ReaderAt, n int64, digest string) (bool, error) {
	h := sha256.New()
	read, err := io.Copy(h, untilDone{ctx, io.NewSectionReader(file, 0, n)})
	if err != nil {
		return false, fmt.Errorf("%w: %w", errLocal, err)
	}
	return read == n && hex.EncodeToString(h.Sum(nil)) == digest, nil
}
