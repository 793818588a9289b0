//go:build !linux && !darwin

package main

// freeSpace is not known here.
func freeSpace(string) int64 { return -1 }

// settleDisk does nothing here.
func settleDisk() {}
