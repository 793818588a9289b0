//go:build !unix

package sqldb

// syncDir does nothing: directories cannot be synced here.
func syncDir(string) error { return nil }
