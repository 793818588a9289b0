package cli

import (
	"homeserver/internal/client"
)

// putCommand sends files to a server.
type putCommand struct {
	remote     `embed:""`
	Paths      []string `arg:"" name:"path" help:"Files and folders of this machine, and last the folder of the server; with only one path the root of one's own tree."`
	OnConflict string   `name:"on-conflict" enum:"replace,rename,keep,fail" default:"replace" help:"If a name is taken by other content: replace makes a new version, rename numbers the new file, keep lets two files bear the name, fail refuses."`
	Tags       string   `name:"tags" placeholder:"TAGS" help:"Tags for all files, separated by commas."`
	Shared     bool     `name:"shared" help:"Show the files to everybody in the house."`
	Parallel   int      `name:"parallel" short:"j" default:"4" help:"Files at a time."`
	Quiet      bool     `name:"quiet" short:"q" help:"Say nothing but errors."`
}

// Help is shown by `homeserver put --help`.
func (putCommand) Help() string {
	return `Folders go with all that lies in them; "put photos/. there" sends what lies in photos, not the folder itself. Links are not followed; they are counted and left out. What is on the server with the same content is not sent. Broken off anywhere, the same command goes on where it was, also in the middle of a large file. The digest of every file is compared with what the server holds.

` + helpPlaces + `

Exit codes: 0 everything is there; 1 something failed; 2 wrong usage.`
}

// Run runs the command.
func (c putCommand) Run(r *run) error {
	server, err := c.client(r)
	if err != nil {
		return err
	}
	locals, target := c.Paths, ""
	if last := len(c.Paths) - 1; last > 0 {
		locals, target = c.Paths[:last], c.Paths[last]
	}
	to, err := client.ParsePlace(target)
	if err != nil {
		return usageError{err}
	}
	p := newProgress(r, c.Quiet)
	result, err := server.Put(r.ctx, locals, client.PutOptions{To: to, OnConflict: c.OnConflict, Tags: c.Tags, Shared: c.Shared, Parallel: c.Parallel, Progress: p})
	p.end("stored", result)
	return failures(result, err)
}
