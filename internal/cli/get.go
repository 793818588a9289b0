package cli

import (
	"homeserver/internal/client"
)

// getCommand fetches files from a server.
type getCommand struct {
	remote   `embed:""`
	Paths    []string `arg:"" name:"path" help:"Files and folders of the server, and last a folder of this machine; with only one path this folder."`
	Force    bool     `name:"force" short:"f" help:"Overwrite files of the same name with other content."`
	Parallel int      `name:"parallel" short:"j" default:"4" help:"Files at a time."`
	Quiet    bool     `name:"quiet" short:"q" help:"Say nothing but errors."`
}

// Help is shown by `homeserver get --help`.
func (getCommand) Help() string {
	return `Folders come with all that lies in them. A file takes its place when it is whole and its digest is right; until then it is called *.homeserver-part. Broken off anywhere, the same command goes on where it was. What is here with the same content is passed by.

` + helpPlaces + `

Exit codes: 0 everything is here; 1 something failed; 2 wrong usage.`
}

// Run runs the command.
func (c getCommand) Run(r *run) error {
	server, err := c.client(r)
	if err != nil {
		return err
	}
	names, to := c.Paths, "."
	if last := len(c.Paths) - 1; last > 0 {
		names, to = c.Paths[:last], c.Paths[last]
	}
	from, err := places(names)
	if err != nil {
		return err
	}
	p := newProgress(r, c.Quiet)
	result, err := server.Get(r.ctx, from, client.GetOptions{To: to, Force: c.Force, Parallel: c.Parallel, Progress: p})
	p.end("fetched", result)
	return failures(result, err)
}
