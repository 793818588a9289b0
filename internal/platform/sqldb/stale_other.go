//go:build !unix

package sqldb

import (
	"net"
	"time"
)

// freshEnough is how lately a connection must have been used to be trusted without a ping.
const freshEnough = time.Second

// doubtful decides by age alone where sockets cannot be peeked at.
func doubtful(_ net.Conn, idle time.Duration) bool { return idle > freshEnough }
