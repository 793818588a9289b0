//go:build !windows

package diskblob_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/diskblob"
)

// TestWhatIsNoFile: what has taken a content's place and is no file is no content. Nobody reads
// through a link, waits at a pipe, or is kept from storing the content again.
func TestWhatIsNoFile(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"link out":    func(path string) error { return os.Symlink("/etc/hostname", path) },
		"broken link": func(path string) error { return os.Symlink("/nowhere", path) },
		"folder":      func(path string) error { return os.Mkdir(path, 0o700) },
		"full folder": func(path string) error { return os.MkdirAll(filepath.Join(path, "in", "it"), 0o700) },
		"pipe":        func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"link to good": func(path string) error {
			return errors.Join(os.WriteFile(path+".good", []byte("content"), 0o600), os.Symlink(path+".good", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			const content, digest = "content", "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
			root := t.TempDir()
			s := diskblob.New(root)
			if _, err := s.Initialize(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if err := s.Bind(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(root, filepath.FromSlash(blob.Path(digest)))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := plant(path); err != nil {
				t.Fatal(err)
			}
			read := make(chan error, 1)
			go func() { read <- readsNothing(t, s, digest) }()
			select {
			case err := <-read:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("reading waits")
			}
			w, err := s.Create(t.Context(), "new")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
			if err := w.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := s.Publish(t.Context(), []blob.Staged{{ID: "new", SHA256: digest, Size: int64(len(content))}}); err != nil {
				t.Fatalf("storing it again: %v", err)
			}
			f, err := s.Open(t.Context(), digest)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if got, err := io.ReadAll(f); err != nil || string(got) != content {
				t.Errorf("got %q, %v, want the content that was stored again", got, err)
			}
		})
	}
}

// readsNothing asks for content in every way, and says what is wrong with the answers.
func readsNothing(t *testing.T, s *diskblob.Store, digest string) (err error) {
	t.Helper()
	if f, openErr := s.Open(t.Context(), digest); !errors.Is(openErr, blob.ErrNotExist) {
		if openErr == nil {
			_ = f.Close()
		}
		err = errors.Join(err, errors.New("Open does not say that nothing is there"), openErr)
	}
	if n, loadErr := s.Load(t.Context(), digest, make([]byte, 100)); n > 0 || loadErr != nil && !errors.Is(loadErr, blob.ErrNotExist) {
		err = errors.Join(err, errors.New("Load does not say that nothing is there"), loadErr)
	}
	if _, statErr := s.Stat(t.Context(), digest); !errors.Is(statErr, blob.ErrNotExist) {
		err = errors.Join(err, errors.New("Stat does not say that nothing is there"), statErr)
	}
	return err
}
