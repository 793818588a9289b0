package diskblob

import "context"

// CannotRead is cannotRead for tests: root may read everything, so no file refuses it.
func (s *Store) CannotRead(ctx context.Context, err error) error { return s.cannotRead(ctx, err) }
