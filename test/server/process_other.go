//go:build !linux

package server

import "syscall"

func diesWithTest() *syscall.SysProcAttr { return nil }
