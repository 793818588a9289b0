package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"homeserver/internal/client"
)

// remote is what every command that speaks to a server takes.
type remote struct {
	URL   string `name:"url" placeholder:"URL" help:"The server's address, such as https://home.example:8000; else HOMESERVER_URL."`
	Token string `name:"token" placeholder:"TOKEN" help:"A personal access token, or the API key; better in HOMESERVER_TOKEN, where other people of this machine do not see it."`
	CA    string `name:"ca" placeholder:"FILE" help:"Certificates to trust, for a server that is its own authority; else HOMESERVER_CA."`
}

// helpPlaces explains how a place on the server is written.
const helpPlaces = `A path on the server lies in one's own tree: Photos/2026. Another tree is named before a colon: household:Photos.

The server and the token come from HOMESERVER_URL and HOMESERVER_TOKEN, or from flags.`

// client makes the client that the flags and the environment describe.
func (c remote) client(r *run) (*client.Client, error) {
	config := client.Config{URL: c.URL, Token: c.Token, CA: c.CA}
	for name, value := range map[string]*string{"HOMESERVER_URL": &config.URL, "HOMESERVER_TOKEN": &config.Token, "HOMESERVER_CA": &config.CA} {
		if *value == "" {
			*value = r.variable(name)
		}
	}
	if config.URL == "" {
		return nil, usageError{errors.New("which server? set HOMESERVER_URL or use --url, for example --url https://home.example:8000")}
	}
	made, err := client.New(config)
	if err != nil {
		return nil, usageError{err}
	}
	return made, nil
}

// variable is the last value of an environment variable.
func (r *run) variable(name string) (value string) {
	for _, one := range r.environ {
		if key, v, _ := strings.Cut(one, "="); key == name {
			value = v
		}
	}
	return value
}

// places reads paths on the server.
func places(texts []string) ([]client.Place, error) {
	list := make([]client.Place, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = client.ParsePlace(text); err != nil {
			return nil, usageError{err}
		}
	}
	return list, nil
}

const (
	// drawEvery is how often the bar is drawn.
	drawEvery = 100 * time.Millisecond
	// barWidth is its width in characters.
	barWidth = 24
	// erase clears the rest of a terminal's line.
	erase = "\r\x1b[K"
)

// progress tells a person how a transfer goes: with a bar on a terminal, else with a line for
// each file.
type progress struct {
	out, err io.Writer
	bar      bool
	quiet    bool
	began    time.Time

	mu           sync.Mutex
	files, done  int
	bytes, moved int64
	drawn        time.Time
}

func newProgress(r *run, quiet bool) *progress {
	file, ok := r.stderr.(*os.File)
	return &progress{out: r.stdout, err: r.stderr, quiet: quiet, bar: ok && !quiet && term.IsTerminal(int(file.Fd())), began: time.Now()}
}

// Found implements client.Progress.
func (p *progress) Found(files int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files, p.bytes = p.files+files, p.bytes+bytes
	p.draw(false)
}

// Moved implements client.Progress.
func (p *progress) Moved(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved += bytes
	p.draw(false)
}

// Done implements client.Progress.
func (p *progress) Done(name, how string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	switch {
	case err != nil:
		if p.bar {
			fmt.Fprint(p.err, erase)
		}
		fmt.Fprintf(p.err, "homeserver: %s: %v\n", name, err)
	case !p.bar && !p.quiet:
		fmt.Fprintln(p.out, how, name)
	}
	p.draw(p.done == p.files)
}

// draw draws the bar, not too often. The caller holds mu.
func (p *progress) draw(now bool) {
	if !p.bar || !now && time.Since(p.drawn) < drawEvery {
		return
	}
	p.drawn = time.Now()
	part := 1.0
	if p.bytes > 0 {
		part = min(max(float64(p.moved)/float64(p.bytes), 0), 1)
	}
	full := int(part * barWidth)
	rate := float64(max(p.moved, 0)) / max(time.Since(p.began).Seconds(), drawEvery.Seconds())
	fmt.Fprintf(p.err, erase+"[%s%s] %3.0f %%  %d/%d files  %s of %s  %s/s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		100*part, p.done, p.files, size(p.moved), size(p.bytes), size(int64(rate)))
}

// end closes the bar and says what was done.
func (p *progress) end(what string, result client.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar {
		fmt.Fprint(p.err, erase)
	}
	if p.quiet {
		return
	}
	fmt.Fprintf(p.err, "%d %s (%s), %d there already, %d failed, in %s\n", result.Done, what, size(result.Bytes), result.Skipped, result.Failed, time.Since(p.began).Round(10*time.Millisecond))
	if result.LeftOut > 0 {
		fmt.Fprintf(p.err, "%d links and other things that are no files were left out\n", result.LeftOut)
	}
}

// size is a number of bytes for people.
func size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", max(n, 0))
	}
	value := float64(n)
	for _, name := range []string{"kB", "MB", "GB", "TB"} {
		if value /= unit; value < unit || name == "TB" {
			return fmt.Sprintf("%.1f %s", value, name)
		}
	}
	return ""
}

// failures is the error of a transfer in which some files failed.
func failures(result client.Result, err error) error {
	if err == nil && result.Failed > 0 {
		err = fmt.Errorf("%d files were not transferred", result.Failed)
	}
	return err
}
