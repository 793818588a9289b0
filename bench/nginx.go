package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// nginx is a private nginx: static files under /static/, DAV PUT under /dav/.
type nginx struct {
	*process
	dir string
}

const nginxConfig = `%sworker_processes auto;
daemon off;
pid %[2]s/nginx.pid;
error_log stderr;
events { worker_connections 1024; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 100000000;
	client_max_body_size 0;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	default_type application/octet-stream;
	server {
		listen %[3]s;
		location /static/ { root %[2]s; }
		location /dav/ { root %[2]s; dav_methods PUT; }
	}
}
`

// nginxPlaces are where distributions install nginx: often not on an ordinary user's PATH.
func nginxPlaces() []string {
	return []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"}
}

// openNginx starts nginx in the run's directory; nil without an error when none is installed.
func (b *bench) openNginx(ctx context.Context) (*nginx, error) {
	binary := ""
	for _, place := range nginxPlaces() {
		if path, err := exec.LookPath(place); err == nil {
			binary = path
			break
		}
	}
	if binary == "" {
		b.say("nginx is not installed: its columns stay empty (apt-get install nginx)")
		return nil, nil
	}
	n := &nginx{dir: filepath.Join(b.dir, "nginx")}
	for _, dir := range []string{"static", "dav"} {
		if err := os.MkdirAll(filepath.Join(n.dir, dir), 0o700); err != nil {
			return nil, fmt.Errorf("nginx: %w", err)
		}
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n" // its own user could not enter the run's directory
	}
	config := filepath.Join(n.dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, user, n.dir, addr), 0o600); err != nil {
		return nil, fmt.Errorf("nginx: %w", err)
	}
	n.process, err = startProcess(ctx, addr, n.dir+".log", os.Environ(), binary, "-p", n.dir, "-c", config)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// close stops nginx; n may be nil.
func (n *nginx) close() {
	if n != nil {
		n.stop()
	}
}

// get is a GET of a static file.
func (n *nginx) get(name string) []byte {
	return []byte("GET /static/" + name + " HTTP/1.1\r\nHost: " + n.addr + "\r\n\r\n")
}

// put is the head of a DAV PUT of size bytes.
func (n *nginx) put(name string, size int) []byte {
	return []byte("PUT /dav/" + name + " HTTP/1.1\r\nHost: " + n.addr + "\r\nContent-Length: " + strconv.Itoa(size) + "\r\n\r\n")
}
