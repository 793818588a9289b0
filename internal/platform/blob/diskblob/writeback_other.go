//go:build !linux

package diskblob

import "os"

// startWriteback does nothing where the system offers no such advice.
func startWriteback(*os.File, int64, int64) {}
