package diskblob

import "context"

// CannotRead is cannotRead for tests: root may read everything, so no file refuses it.
func (s *Store) CannotRead(ctx context.Context, err error) error { return s.cannotRead(ctx, err) }

// QuarantineIf is quarantine for tests, which cannot publish between its two looks.
func (s *Store) QuarantineIf(ctx context.Context, sha256 string, meant func(path string) bool) (string, error) {
	return s.quarantine(ctx, sha256, meant)
}
