package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"homeserver/internal/app"
	"homeserver/internal/config"
)

// routesCommand lists the HTTP surface.
type routesCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run runs the command.
func (c routesCommand) Run(r *run) error {
	settings, err := config.Load(nil, "")
	if err != nil {
		return err
	}
	router, err := app.Describe(settings, r.version)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(r.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(router.Routes())
	}
	table := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "METHOD\tPATH\tACCESS\tWHAT")
	for _, route := range router.Routes() {
		access := string(route.Action)
		if route.Public {
			access = "public"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", route.Method, route.Path, access, route.Summary)
	}
	return table.Flush()
}
