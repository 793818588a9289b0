package server

import "syscall"

// diesWithTest ends the server when the test process dies, so that a test that runs into its
// time limit leaves nothing behind.
func diesWithTest() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
