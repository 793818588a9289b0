//go:build unix

package sqldbtest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// postgresUser is who the server runs as when the tests run as root, whom PostgreSQL refuses.
func postgresUser() (uid, gid int, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres; apt-get install postgresql makes one: %w", err)
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, fmt.Errorf("user postgres: %w", err)
	}
	if gid, err = strconv.Atoi(u.Gid); err != nil {
		return 0, 0, fmt.Errorf("user postgres: %w", err)
	}
	return uid, gid, nil
}

// giveAway makes dir the server's.
func giveAway(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := postgresUser()
	if err != nil {
		return err
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return fmt.Errorf("give the directory to postgres: %w", err)
	}
	return nil
}

// asUnprivileged makes cmd run as postgres when this process is root's.
func asUnprivileged(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() != 0 {
		return
	}
	if uid, gid, err := postgresUser(); err == nil { // giveAway has already reported the error
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

// ownGroup keeps a Ctrl-C in the terminal from killing the shell before it has cleaned up.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr.Setpgid = true }
