//go:build !unix

package sqldbtest

import "os/exec"

func giveAway(string) error { return nil }

func asUnprivileged(*exec.Cmd) {}

func ownGroup(*exec.Cmd) {}
