package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// clientBuffer is how many bytes a connection reads at once: a head and a 4 KiB body fit, and
// large downloads are not slowed by the client.
const clientBuffer = 128 << 10

// client is one keep-alive HTTP/1.1 connection that costs as little as it can: requests are
// prepared bytes, answers are read as far as status and length need.
type client struct {
	conn net.Conn
	buf  []byte
	r, w int // unread bytes are buf[r:w]
}

func dial(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &client{conn: conn, buf: make([]byte, clientBuffer)}, nil
}

// answer is the part of an HTTP answer that matters here.
type answer struct {
	status int
	bytes  int64
}

// do sends a prepared request and reads the whole answer; the body goes to sink, which may be nil.
func (c *client) do(request []byte, sink io.Writer) (answer, error) {
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, fmt.Errorf("send: %w", err)
	}
	return c.read(sink)
}

// read reads one answer.
func (c *client) read(sink io.Writer) (answer, error) {
	head, err := c.head()
	if err != nil {
		return answer{}, err
	}
	a := answer{status: status(head)}
	if a.status == 0 {
		return a, fmt.Errorf("not an HTTP answer: %.40q", head)
	}
	length := field(head, "content-length:")
	chunked := field(head, "transfer-encoding:") != nil
	switch {
	case a.status == 204 || a.status == 304 || a.status == 101:
	case chunked:
		a.bytes, err = c.chunks(sink)
	case length != nil:
		if a.bytes, err = strconv.ParseInt(string(length), 10, 64); err == nil {
			err = c.body(a.bytes, sink)
		}
	default:
		err = errors.New("an answer without length")
	}
	return a, err
}

// head returns the bytes of the head; they are valid until the next read.
func (c *client) head() ([]byte, error) {
	for searched := 0; ; {
		if i := bytes.Index(c.buf[c.r+searched:c.w], []byte("\r\n\r\n")); i >= 0 {
			head := c.buf[c.r : c.r+searched+i+4]
			c.r += len(head)
			return head, nil
		}
		searched = max(0, c.w-c.r-3)
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads once from the connection, making room first.
func (c *client) fill() error {
	if c.r == c.w {
		c.r, c.w = 0, 0
	} else if c.w == len(c.buf) {
		if c.r == 0 {
			return errors.New("a head longer than the buffer")
		}
		copy(c.buf, c.buf[c.r:c.w])
		c.r, c.w = 0, c.w-c.r
	}
	n, err := c.conn.Read(c.buf[c.w:])
	c.w += n
	if n == 0 && err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	return nil
}

// body consumes n bytes.
func (c *client) body(n int64, sink io.Writer) error {
	for n > 0 {
		if c.r == c.w {
			if err := c.fill(); err != nil {
				return err
			}
		}
		part := c.buf[c.r:min(int64(c.w), int64(c.r)+n)]
		if sink != nil {
			if _, err := sink.Write(part); err != nil {
				return fmt.Errorf("keep: %w", err)
			}
		}
		c.r += len(part)
		n -= int64(len(part))
	}
	return nil
}

// chunks consumes a body in chunked coding and returns its length.
func (c *client) chunks(sink io.Writer) (int64, error) {
	var total int64
	for {
		line, err := c.line()
		if err != nil {
			return total, err
		}
		size, err := strconv.ParseInt(string(line), 16, 64)
		if err != nil {
			return total, fmt.Errorf("chunk: %w", err)
		}
		if err := c.body(size, sink); err != nil {
			return total, err
		}
		total += size
		if _, err := c.line(); err != nil { // the line end of the chunk, or of the last one
			return total, err
		}
		if size == 0 {
			return total, nil
		}
	}
}

// line returns the next line without its end.
func (c *client) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(c.buf[c.r:c.w], '\n'); i >= 0 {
			line := c.buf[c.r : c.r+i]
			c.r += i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// status reads "HTTP/1.1 200 ..."; 0 if it is none.
func status(head []byte) int {
	if len(head) < 12 || !bytes.HasPrefix(head, []byte("HTTP/1.")) {
		return 0
	}
	n, err := strconv.Atoi(string(head[9:12]))
	if err != nil {
		return 0
	}
	return n
}

// field returns the value of a header field, or nil; name is lower case with its colon.
func field(head []byte, name string) []byte {
	for len(head) > 0 {
		line := head
		if i := bytes.IndexByte(head, '\n'); i >= 0 {
			line, head = head[:i], head[i+1:]
		} else {
			head = nil
		}
		if len(line) > len(name) && asciiFold(line[:len(name)], name) {
			return bytes.TrimSpace(line[len(name):])
		}
	}
	return nil
}

// asciiFold compares without regard to the case of ASCII letters; lower is in lower case.
func asciiFold(text []byte, lower string) bool {
	for i, b := range text {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}
