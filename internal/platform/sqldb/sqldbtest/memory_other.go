//go:build !linux

package sqldbtest

// memoryFree: only Linux has a directory in memory that is always there.
func memoryFree() uint64 { return 0 }
