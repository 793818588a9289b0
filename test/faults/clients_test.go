package faults

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"homeserver/test/server"
)

// TestClientsVanish cuts the connection in the middle of uploads and downloads.
func TestClientsVanish(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	body := server.Multipart(server.FilePart("vanished.bin", "application/octet-stream", bytes.Repeat([]byte("v"), 4<<20)))
	for n := range 20 {
		conn := s.Dial(t)
		fmt.Fprint(conn, s.UploadHead(int64(len(body))))
		if _, err := conn.Write(body[:len(body)*n/20]); err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			_ = conn.SetLinger(0) // a reset, as when the client is killed or its line is cut
		}
		conn.Close()
	}
	emptied(t, s.StoragePath())
	file := s.Upload(t, "whole.bin", bytes.Repeat([]byte("w"), 8<<20))
	for range 20 {
		conn := s.Dial(t)
		fmt.Fprint(conn, s.Head("GET", server.Files+"/"+file.ID+"/download"))
		if _, err := io.ReadFull(conn, make([]byte, 10_000)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetLinger(0)
		conn.Close()
	}
	if list := s.ListFiles(t, ""); list.Total != 1 || list.Files[0].ID != file.ID {
		t.Errorf("got %+v, want the one whole file", list.Files)
	}
	s.Download(t, file.ID)
}

// TestLyingContentLength announces more than comes, and less.
func TestLyingContentLength(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	body := server.Multipart(server.FilePart("lie.bin", "application/octet-stream", bytes.Repeat([]byte("l"), 100_000)))
	for name, announced := range map[string]int{"more": len(body) + 1000, "much more": 1 << 60, "less": len(body) - 50, "much less": 10} {
		conn := s.Dial(t)
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprint(conn, s.UploadHead(int64(announced)))
		_, _ = conn.Write(body) // the server may have answered and hung up
		_ = conn.CloseWrite()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			fine := response.StatusCode >= 400 && response.StatusCode <= 499
			want := "4xx"
			switch name {
			case "much more": // no disk has room for an exbibyte, and that is asked first
				fine, want = response.StatusCode == http.StatusInsufficientStorage, "507"
			case "more": // the form is whole although the length was a lie; refusing is as good
				fine, want = fine || response.StatusCode == http.StatusOK, "200 or 4xx"
			}
			if !fine {
				t.Errorf("announced %s: got %d, want %s", name, response.StatusCode, want)
			}
			response.Body.Close()
		}
		conn.Close()
	}
	emptied(t, s.StoragePath())
	for _, file := range s.ListFiles(t, "").Files {
		if file.Size != 100_000 {
			t.Errorf("a file of %d bytes was stored, want whole ones only", file.Size)
		}
	}
	for _, head := range []string{"Content-Length: -1", "Content-Length: abc", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 99999999999999999999999"} {
		conn := s.Dial(t)
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprint(conn, s.Head("POST", server.Files+"/upload", "Content-Type: "+server.ContentType, head))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != 400 {
			t.Errorf("%q: got %v %v, want 400", head, response, err)
		}
		conn.Close()
	}
}

// headCut is a little less than the 10 s after which the server cuts who has sent no whole head.
const headCut = 9 * time.Second

// TestSlowloris opens hundreds of connections that never finish their request's head.
func TestSlowloris(t *testing.T) {
	t.Parallel()
	const clients = 300
	s := server.Start(t, server.Options{})
	var conns []net.Conn
	for range clients {
		conn := s.Dial(t)
		fmt.Fprint(conn, "GET /health HTTP/1.1\r\nHost: "+s.Host()+"\r\nX-Slow: ")
		conns = append(conns, conn)
	}
	start := time.Now()
	s.Upload(t, "meanwhile.txt", []byte("meanwhile"))
	if took := time.Since(start); took > headCut {
		t.Errorf("an upload beside %d slow clients took %v, want less than it takes until they are cut", clients, took)
	}
	var all sync.WaitGroup
	for _, conn := range conns {
		all.Go(func() {
			_ = conn.SetReadDeadline(time.Now().Add(25 * time.Second))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				var timeout net.Error
				if errors.As(err, &timeout) && timeout.Timeout() {
					t.Error("a connection without a whole request stays open for 25s, want about 10")
				}
			}
		})
	}
	all.Wait()
}
