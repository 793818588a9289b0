package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"homeserver/internal/client"
)

// rmCommand deletes files of a server.
type rmCommand struct {
	remote    `embed:""`
	Paths     []string `arg:"" name:"path" help:"Files and folders of the server."`
	Recursive bool     `name:"recursive" short:"r" help:"Folders too, with all that lies in them."`
	Yes       bool     `name:"yes" short:"y" help:"Do not ask."`
	Confirm   string   `name:"confirm" placeholder:"N" help:"How many files may go, where the server asks for it."`
}

// Help is shown by `homeserver rm --help`.
func (rmCommand) Help() string {
	return `What is deleted goes to the trash, from where it can be restored. At a terminal folders are asked about. More than 1,000 files at once, or half of a tree, ask for a second word: --confirm with their number.

` + helpPlaces
}

// Run runs the command.
func (c rmCommand) Run(r *run) error {
	server, err := c.client(r)
	if err != nil {
		return err
	}
	list, err := places(c.Paths)
	if err != nil {
		return err
	}
	var found []client.Found
	for _, p := range list {
		f, err := server.Resolve(r.ctx, p)
		if err != nil {
			return err
		}
		if f.Folder != nil && !c.Recursive {
			return fmt.Errorf("%s is a folder; -r deletes it with all that lies in it", p)
		}
		if f.Folder != nil && !c.Yes && c.Confirm == "" && !ask(r, fmt.Sprintf("Put the folder %s with %d files (%s) into the trash?", p, f.Folder.Files, size(f.Folder.Bytes))) {
			return errors.New("nothing was deleted")
		}
		found = append(found, f)
	}
	err = server.Delete(r.ctx, found, c.Confirm)
	var problem *client.Problem
	if errors.As(err, &problem) && problem.Confirm != "" {
		return fmt.Errorf("this would delete %s files at once; if that is meant, add --confirm %s", problem.Confirm, problem.Confirm)
	}
	return err
}

// ask asks a person at a terminal; where there is none nobody is asked.
func ask(r *run, question string) bool {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return true
	}
	fmt.Fprint(r.stderr, question, " [y/N] ")
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return err == nil && (answer == "y" || answer == "yes")
}
