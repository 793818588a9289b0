package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"homeserver/internal/app"
	"homeserver/internal/config"
)

// userCommand manages accounts for people at a terminal.
type userCommand struct {
	Add      userAddCommand      `cmd:"" help:"Add a person."`
	List     userListCommand     `cmd:"" help:"List everybody."`
	Password userPasswordCommand `cmd:"" help:"Set a person's password, take the second factor away, and sign the person out everywhere."`
	Disable  userDisableCommand  `cmd:"" help:"Let a person in no more, at once."`
	Enable   userEnableCommand   `cmd:"" help:"Let a disabled person in again."`
	Role     userRoleCommand     `cmd:"" help:"Change what a person may do."`
}

// Help is shown by `homeserver user --help`.
func (userCommand) Help() string {
	return `Works beside a running server, which takes changes up within a second.

Roles: administrator (manages everything), member (keeps files and shares them with the household), guest (reads what is shared).`
}

// maxPasswordLine is how much is read for a password, in bytes; longer ones are refused anyway.
const maxPasswordLine = 8 << 10

// readPassword asks for a password at a terminal, twice, or reads one line of standard input.
func readPassword(stderr io.Writer) (string, error) {
	descriptor := int(os.Stdin.Fd())
	if !term.IsTerminal(descriptor) {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, maxPasswordLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			return "", usageError{errors.New("no password was given; type it at the prompt, or pipe it in as one line")}
		}
		return line, nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(stderr, prompt)
		text, err := term.ReadPassword(descriptor)
		fmt.Fprintln(stderr)
		return string(text), err
	}
	password, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	again, err := ask("Once more: ")
	if err == nil && again != password {
		err = errors.New("the two passwords differ")
	}
	return password, err
}

// accounts opens the house for a command about people.
func accounts(r *run, fn func(context.Context, *app.Accounts) error) error {
	return withHouse(r, func(a *app.App, _ config.Config) error { return a.WithAccounts(r.ctx, fn) })
}

type userAddCommand struct {
	Name        string `arg:"" help:"The name to sign in with."`
	Role        string `enum:"administrator,member,guest" default:"member" help:"administrator, member or guest."`
	DisplayName string `placeholder:"NAME" help:"The name that people see."`
}

// Run runs the command.
func (c userAddCommand) Run(r *run) error {
	password, err := readPassword(r.stderr)
	if err != nil {
		return err
	}
	return accounts(r, func(ctx context.Context, people *app.Accounts) error {
		u, err := people.AddUser(ctx, app.NewUser{Name: c.Name, DisplayName: c.DisplayName, Role: c.Role, Password: password})
		if err == nil {
			fmt.Fprintf(r.stdout, "%s can sign in now (%s).\n", u.Name, u.Role)
		}
		return err
	})
}

type userListCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run runs the command.
func (c userListCommand) Run(r *run) error {
	return accounts(r, func(ctx context.Context, people *app.Accounts) error {
		list, err := people.Users(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			encoder := json.NewEncoder(r.stdout)
			encoder.SetIndent("", "  ")
			return encoder.Encode(append([]app.User{}, list...))
		}
		table := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tROLE\tSTATE\tDISPLAY NAME")
		for i := range list {
			state := "active"
			if list[i].Disabled {
				state = "disabled"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", list[i].Name, list[i].Role, state, list[i].DisplayName)
		}
		return table.Flush()
	})
}

type userPasswordCommand struct {
	Name string `arg:"" help:"Whose."`
}

// Run runs the command.
func (c userPasswordCommand) Run(r *run) error {
	password, err := readPassword(r.stderr)
	if err != nil {
		return err
	}
	return accounts(r, func(ctx context.Context, people *app.Accounts) error {
		err := people.SetPassword(ctx, c.Name, password)
		if err == nil {
			fmt.Fprintf(r.stdout, "%s has a new password and is signed out everywhere.\n", c.Name)
		}
		return err
	})
}

// change changes an account and says so.
func change(r *run, name string, c app.UserChange, done string) error {
	return accounts(r, func(ctx context.Context, people *app.Accounts) error {
		u, err := people.UserByName(ctx, name)
		if err == nil {
			u, err = people.ChangeUser(ctx, u.ID, c)
		}
		if err == nil {
			fmt.Fprintf(r.stdout, done+"\n", u.Name)
		}
		return err
	})
}

type userDisableCommand struct {
	Name string `arg:"" help:"Whom."`
}

// Run runs the command.
func (c userDisableCommand) Run(r *run) error {
	yes := true
	return change(r, c.Name, app.UserChange{Disabled: &yes}, "%s cannot come in any more.")
}

type userEnableCommand struct {
	Name string `arg:"" help:"Whom."`
}

// Run runs the command.
func (c userEnableCommand) Run(r *run) error {
	no := false
	return change(r, c.Name, app.UserChange{Disabled: &no}, "%s can sign in again.")
}

type userRoleCommand struct {
	Name string `arg:"" help:"Whose."`
	Role string `arg:"" enum:"administrator,member,guest" help:"administrator, member or guest."`
}

// Run runs the command.
func (c userRoleCommand) Run(r *run) error {
	return change(r, c.Name, app.UserChange{Role: &c.Role}, "%s is now "+c.Role+".")
}
