package memblob_test

import (
	"testing"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/blob/memblob"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, func(*testing.T) (blob.Store, func(string, []byte)) {
		s := memblob.New()
		return s, s.PutLegacy
	})
}
