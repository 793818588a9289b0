// Package manifest is the library written down beside its content, so that a lost database does
// not leave a heap of nameless files.
//
// A manifest is a file of JSON lines, compressed with zstd: a header with the version of the
// format, one record for each owner, folder, file and version, and a trailer with their number and
// the SHA-256 of every line before it. One without its trailer was cut and does not count.
//
// A journal follows a manifest: plain JSON lines, appended as things change. A later record
// takes the place of an earlier one about the same thing; what is gone has a record that says so. A
// torn last line is what a crash leaves and is passed by.
//
// Names in a manifest are labels. This package never makes a path of them.
package manifest

import (
	"errors"
	"time"
)

// Format is the version of the format that this package writes. It reads none that is newer.
const Format = 1

const (
	// maxLine is the length of the longest line that is read, in bytes: names and 50 tags take
	// a tenth of it at most.
	maxLine = 1 << 20
	// maxWindow bounds the memory of decompression, in bytes.
	maxWindow = 64 << 20
)

var (
	// ErrCut says that a manifest ends before its trailer, or is not what its trailer says.
	ErrCut = errors.New("the manifest is cut short or damaged")
	// ErrFormat says that something is no manifest, or one of a later version.
	ErrFormat = errors.New("this is no manifest that this version can read")
)

// Kinds of what may be gone.
const (
	KindFile   = "file"
	KindFolder = "folder"
)

// Header is the first line.
type Header struct {
	Format  int    `json:"format"`
	Storage string `json:"storage"` // the id of the storage directory
	At      int64  `json:"at"`      // microseconds since 1970
	Seq     int64  `json:"seq"`     // of the change feed: every change up to it is in here
}

// Time is when the manifest was begun.
func (h Header) Time() time.Time { return time.UnixMicro(h.At).UTC() }

// Owner is the name of an account. The household has none.
type Owner struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Folder is a folder. The root of a tree has no parent and no name.
type Folder struct {
	ID      string `json:"id"`
	Parent  string `json:"parent,omitempty"`
	Name    string `json:"name"`
	Owner   string `json:"owner,omitempty"`
	Trashed bool   `json:"trashed,omitempty"` // it was itself put into the trash, not a folder above it
}

// File is a file. Times are microseconds since 1970.
type File struct {
	ID          string   `json:"id"`
	Folder      string   `json:"folder"`
	Name        string   `json:"name"`
	Owner       string   `json:"owner,omitempty"`
	SHA256      string   `json:"sha256,omitempty"` // "" while it lies at the original's place
	Path        string   `json:"path,omitempty"`   // the original's place, while it lies there
	Size        int64    `json:"size"`
	ContentType string   `json:"content_type"`
	Tags        []string `json:"tags,omitempty"`
	Shared      bool     `json:"shared,omitempty"`
	Uploaded    int64    `json:"uploaded"`
	Modified    int64    `json:"modified,omitempty"`
	Trashed     bool     `json:"trashed,omitempty"` // it was itself put into the trash

	Versions []Version `json:"-"` // they have lines of their own, after the file's
}

// Version is what a file was before it was replaced.
type Version struct {
	File        string `json:"file"`
	ID          string `json:"id"`
	SHA256      string `json:"sha256"`
	Size        int64  `json:"size"`
	ContentType string `json:"content_type,omitempty"`
	Created     int64  `json:"created,omitempty"`
	Replaced    int64  `json:"replaced"`
	Pinned      bool   `json:"pinned,omitempty"`
}

// Gone says that a thing is no more.
type Gone struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Mark says that a journal holds every change up to Seq.
type Mark struct {
	Seq int64 `json:"seq"`
}

// End is the trailer.
type End struct {
	Records int64  `json:"records"` // lines between header and trailer
	Digest  string `json:"sha256"`  // of every line before this one
}

// Record is one line: one of its fields is set. None is: a later version's line, to be passed by.
type Record struct {
	Header  *Header  `json:"manifest,omitempty"`
	Owner   *Owner   `json:"owner,omitempty"`
	Folder  *Folder  `json:"folder,omitempty"`
	File    *File    `json:"file,omitempty"`
	Version *Version `json:"version,omitempty"`
	Gone    *Gone    `json:"gone,omitempty"`
	Mark    *Mark    `json:"mark,omitempty"`
	End     *End     `json:"end,omitempty"`
}
