//go:build unix

package sqldb

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"
)

// longIdle is when a connection gets a full round trip before it is used again, whatever its
// socket looks like: routers on the way forget connections silently.
const longIdle = 30 * time.Second

// doubtful peeks at an idle connection's socket: a server that went away has left an end of
// file, an error or a farewell message there. This costs a microsecond where a ping costs a round trip.
func doubtful(conn net.Conn, idle time.Duration) bool {
	if idle > longIdle {
		return true
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	quiet := false
	// Control, not Read: pgx may have left a reader waiting on this connection, which holds the
	// descriptor's read lock for as long as nothing comes. MSG_DONTWAIT never waits for anything.
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK)
	})
	return err != nil || !quiet
}
