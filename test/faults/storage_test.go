package faults

import (
	"os"
	"path/filepath"
	"testing"

	"homeserver/test/server"
)

// TestStorageGoesAwayUnderLoad takes the storage directory away from a running server, puts
// an empty one in its place as an unmounted drive does, and brings it back.
func TestStorageGoesAwayUnderLoad(t *testing.T) {
	t.Parallel()
	const clients = 4
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		p := newPromises()
		file := s.Upload(t, "before.txt", []byte("before"))
		stop := load(t, s.Client, p, clients)
		away := s.StoragePath() + ".away"
		gone := func(how string) {
			t.Helper()
			alive(t, s.Client, "storage")
			expectUnavailable(t, "download, storage "+how, s.Get(t, server.Files+"/"+file.ID+"/download"))
			answer, err := s.Post(server.FilePart("x.txt", "text/plain", []byte("x")))
			if err != nil {
				t.Fatal(err)
			}
			expectUnavailable(t, "upload, storage "+how, answer)
			s.Get(t, server.Files+"/list").Expect(t, 200)
			s.Get(t, server.Files+"/"+file.ID+"/metadata").Expect(t, 200)
		}
		enough(t, p, 30)
		rename(t, s.StoragePath(), away)
		gone("removed")
		if _, err := os.Lstat(s.StoragePath()); err == nil {
			t.Error("the server made the storage directory anew")
		}
		if err := os.Mkdir(s.StoragePath(), 0o700); err != nil {
			t.Fatal(err)
		}
		gone("empty")
		entries, err := os.ReadDir(s.StoragePath())
		if err != nil || len(entries) > 0 {
			t.Errorf("the server wrote into the empty mount point: %v %v", entries, err)
		}
		if err := os.Remove(s.StoragePath()); err != nil {
			t.Fatal(err)
		}
		rename(t, away, s.StoragePath())
		serves(t, s, p)
		enough(t, p, 30)
		stop()
		s.Get(t, server.Files+"/"+file.ID+"/download").Expect(t, 200)
		p.kept(t, s.Client)
		// What was on its way when the drive went could not be removed; it is swept later.
		if left := incoming(t, s.StoragePath()); len(left) > clients {
			t.Errorf("got %d unfinished uploads, want at most the %d that were on their way", len(left), clients)
		}
	})
}

// TestStorageIsSwapped puts the drive of another household in the place of ours.
func TestStorageIsSwapped(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	p := newPromises()
	file := s.Upload(t, "ours.txt", []byte("ours"))
	other := server.Start(t, server.Options{}) // another household's drive
	other.Stop()
	rename(t, s.StoragePath(), s.StoragePath()+".ours")
	rename(t, other.StoragePath(), s.StoragePath())
	alive(t, s.Client, "storage")
	answer, err := s.Post(server.FilePart("x.txt", "text/plain", []byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	expectUnavailable(t, "upload to another household's drive", answer)
	if blobs, err := filepath.Glob(filepath.Join(s.StoragePath(), "blobs", "*", "*")); err != nil || len(blobs) > 0 {
		t.Errorf("the server wrote to another household's drive: %v %v", blobs, err)
	}
	rename(t, s.StoragePath(), other.StoragePath())
	rename(t, s.StoragePath()+".ours", s.StoragePath())
	serves(t, s, p)
	s.Get(t, server.Files+"/"+file.ID+"/download").Expect(t, 200)
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
