//go:build unix

package sqldb

import (
	"crypto/tls"
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
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true // never wait
	})
	return err != nil || !quiet
}
