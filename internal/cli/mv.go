package cli

import "errors"

// mvCommand moves files of a server.
type mvCommand struct {
	remote     `embed:""`
	Paths      []string `arg:"" name:"path" help:"Files and folders of the server, and last where they shall go: a folder or, for one of them, a new name."`
	OnConflict string   `name:"on-conflict" enum:"fail,rename,keep,replace" default:"fail" help:"If a name is taken: fail refuses, rename numbers what comes, keep lets two files bear it, replace makes a new version of the file that is there, and puts a folder into the trash."`
	Confirm    string   `name:"confirm" placeholder:"N" help:"How many files may be replaced with their folder, where the server asks for it."`
}

// Help is shown by `homeserver mv --help`.
func (mvCommand) Help() string { return helpPlaces }

// Run runs the command.
func (c mvCommand) Run(r *run) error {
	if len(c.Paths) < 2 {
		return usageError{errors.New("mv takes what shall be moved, and where to")}
	}
	server, err := c.client(r)
	if err != nil {
		return err
	}
	list, err := places(c.Paths)
	if err != nil {
		return err
	}
	last := len(list) - 1
	return server.Move(r.ctx, list[:last], list[last], c.OnConflict, c.Confirm)
}
