package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"homeserver/internal/client"
)

// lsCommand lists a folder of a server.
type lsCommand struct {
	remote    `embed:""`
	Path      string `arg:"" optional:"" name:"path" help:"A file or folder of the server; without one the root of one's own tree."`
	Long      bool   `name:"long" short:"l" help:"With sizes and dates."`
	Recursive bool   `name:"recursive" short:"R" help:"With all that lies below."`
	JSON      bool   `name:"json" help:"One JSON object a line."`
}

// Help is shown by `homeserver ls --help`.
func (lsCommand) Help() string { return "Folders end in a slash.\n\n" + helpPlaces }

// listed is a line of the list.
type listed struct {
	Path     string    `json:"path"`
	Kind     string    `json:"kind"`
	ID       string    `json:"id"`
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256,omitempty"`
	Modified time.Time `json:"modified"`
}

func lineOf(rel string, f client.Found) listed {
	if f.File != nil {
		return listed{rel, "file", f.File.ID, f.File.Size, f.File.SHA256, f.File.Modified}
	}
	return listed{rel, "folder", f.Folder.ID, f.Folder.Bytes, "", f.Folder.Modified}
}

// Run runs the command.
func (c lsCommand) Run(r *run) error {
	server, err := c.client(r)
	if err != nil {
		return err
	}
	at, err := client.ParsePlace(c.Path)
	if err != nil {
		return usageError{err}
	}
	found, err := server.Resolve(r.ctx, at)
	if err != nil {
		return err
	}
	show, flush := c.printer(r)
	if found.File != nil {
		if err := show(lineOf(found.File.Name, found)); err != nil {
			return err
		}
		return flush()
	}
	line := func(rel string, f client.Found) error { return show(lineOf(rel, f)) }
	if c.Recursive {
		err = server.Walk(r.ctx, found.Folder.ID, "", nil, line)
	} else {
		err = server.Each(r.ctx, found.Folder.ID, line)
	}
	if err != nil {
		return err
	}
	return flush()
}

// printer prints lines as the flags say.
func (c lsCommand) printer(r *run) (show func(listed) error, flush func() error) {
	if c.JSON {
		lines := json.NewEncoder(r.stdout)
		return func(l listed) error { return lines.Encode(l) }, func() error { return nil }
	}
	table := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', tabwriter.AlignRight|tabwriter.DiscardEmptyColumns)
	return func(l listed) error {
		name := printable(l.Path)
		if l.Kind == "folder" {
			name += "/"
		}
		if !c.Long {
			_, err := fmt.Fprintln(r.stdout, name)
			return err
		}
		_, err := fmt.Fprintf(table, "%s\t%s\t %s\n", size(l.Size), l.Modified.Local().Format("2006-01-02 15:04"), name)
		return err
	}, table.Flush
}

// printable quotes a name that would do something to a terminal.
func printable(name string) string {
	if plain(name) {
		return name
	}
	return strconv.Quote(name)
}

// plain reports whether a name has no character that a terminal acts upon.
func plain(name string) bool {
	for _, c := range name {
		if !strconv.IsPrint(c) {
			return false
		}
	}
	return true
}
