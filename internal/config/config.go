// Package config reads the whole configuration once: the environment, and under it a file
// .env. Names are not case-sensitive, as in the Python original; an empty value counts as
// not set. Every room owns its part as a struct with env tags; doc/config.md describes them
// all, and a test holds the two together.
//
// Whatever is wrong stops the start with a sentence that names the variable, says what is
// wrong and gives an example.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/joho/godotenv"

	"homeserver/internal/auth"
	"homeserver/internal/files"
	"homeserver/internal/monitor"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/tlscert"
)

// DefaultDataDir is where everything is kept when nothing is set; it is made when it is missing.
const DefaultDataDir = "./data"

// House is what belongs to no room.
type House struct {
	AppName     string `env:"APP_NAME" envDefault:"HomeServer"`
	AppVersion  string `env:"APP_VERSION"`
	Debug       bool   `env:"DEBUG" envDefault:"false"`
	LogFormat   string `env:"LOG_FORMAT" envDefault:"text"`
	LogLevel    string `env:"LOG_LEVEL" envDefault:"info"`
	DataDir     string `env:"DATA_DIR" envDefault:"./data"`
	StoragePath string `env:"STORAGE_PATH"`
	DatabaseURL string `env:"DATABASE_URL"`
	AutoMigrate bool   `env:"AUTO_MIGRATE" envDefault:"true"`
}

// Unused are settings of the original that are accepted and do nothing.
type Unused struct {
	AWSRegion           string      `env:"AWS_REGION" envDefault:"us-east-1"`
	AWSAccessKeyID      string      `env:"AWS_ACCESS_KEY_ID"`
	AWSSecretAccessKey  auth.Secret `env:"AWS_SECRET_ACCESS_KEY"`
	DynamoDBTablePrefix string      `env:"DYNAMODB_TABLE_PREFIX" envDefault:"homeserver"`
}

// Config is the whole configuration.
type Config struct {
	House   House
	Server  httpd.Config
	TLS     tlscert.Config
	Auth    auth.Config
	Files   files.Config
	Monitor monitor.Config
	Unused  Unused
	// Notes are things worth a line in the log at the start: unused and unknown settings.
	Notes []string
}

// examples are what a message suggests when a value cannot be read.
func examples() map[string]string {
	return map[string]string{
		"PORT": "8000", "DEBUG": "false", "AUTO_MIGRATE": "true", "COLLECT_AFTER": "24h", "HTTP_PORT": "80",
	}
}

// Load reads environ ("NAME=value" each) over the .env file at envFile; a file that does not
// exist is no error.
func Load(environ []string, envFile string) (Config, error) {
	var c Config
	fromFile, err := godotenv.Read(envFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return c, fmt.Errorf("%s cannot be read: %w; it holds lines such as PORT=8000", envFile, err)
	}
	values := map[string]string{}
	merge(values, fromFile)
	merge(values, env.ToMap(environ))
	err = env.ParseWithOptions(&c, env.Options{Environment: values, FuncMap: map[reflect.Type]env.ParserFunc{reflect.TypeFor[bool](): parseBool}})
	if err != nil {
		return c, explain(err, values)
	}
	c.complete()
	c.note(fromFile, values)
	return c, c.validate()
}

// merge adds from to values under upper-case names; empty values are as if not there. Of names
// that differ in case only, the upper-case one wins.
func merge(values, from map[string]string) {
	for name, value := range from {
		upper := strings.ToUpper(name)
		if _, exact := from[upper]; exact && upper != name {
			continue
		}
		if value = strings.TrimSpace(value); value != "" {
			values[upper] = value
		}
	}
}

// parseBool understands what the original's settings library did.
func parseBool(text string) (any, error) {
	switch strings.ToLower(text) {
	case "1", "true", "t", "yes", "y", "on":
		return true, nil
	case "0", "false", "f", "no", "n", "off":
		return false, nil
	}
	return nil, errors.New("neither true nor false")
}

// complete fills in what follows from other values.
func (c *Config) complete() {
	if c.House.StoragePath == "" {
		c.House.StoragePath = filepath.Join(c.House.DataDir, "storage")
	}
	c.Auth.DataDir = c.House.DataDir
	if c.House.DatabaseURL == "" {
		c.House.DatabaseURL = "sqlite:" + filepath.Join(c.House.DataDir, "homeserver.db")
	}
	// Names that the certificate is for are names of this server.
	c.Server.AllowedHosts = append(c.Server.AllowedHosts, c.TLS.Names()...)
}

// note remembers what the household should hear of: settings that do nothing.
func (c *Config) note(fromFile, values map[string]string) {
	known := append(Names(), composeNames()...)
	for name := range fromFile {
		if !slices.Contains(known, strings.ToUpper(name)) && fromFile[name] != "" {
			c.Notes = append(c.Notes, fmt.Sprintf("%s in .env is not a setting of this server and does nothing; is it misspelt?", name))
		}
	}
	slices.Sort(c.Notes)
	for _, name := range names(reflect.TypeFor[Unused]()) {
		if _, set := values[name]; set {
			c.Notes = append(c.Notes, "AWS_* and DYNAMODB_TABLE_PREFIX are accepted from the original's configuration and do nothing")
			return
		}
	}
}

// composeNames are docker-compose.yml's own variables, which share the file .env.
func composeNames() []string {
	return []string{"HOMESERVER_DATA", "HOMESERVER_IMAGE", "HOMESERVER_NAME", "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_USER",
		"PUBLISH", "PUID", "PGID", "TZ", "VERSION"}
}

func (c Config) validate() error {
	var level slog.Level
	switch {
	case c.House.LogFormat != "text" && c.House.LogFormat != "json":
		return fmt.Errorf("LOG_FORMAT is %q, which is neither text nor json; for example LOG_FORMAT=json", c.House.LogFormat)
	case level.UnmarshalText([]byte(c.House.LogLevel)) != nil:
		return fmt.Errorf("LOG_LEVEL is %q, which is none of debug, info, warn, error; for example LOG_LEVEL=info", c.House.LogLevel)
	case !validURL(c.House.DatabaseURL):
		return errors.New("DATABASE_URL has a form this server does not know; for example DATABASE_URL=postgresql://homeserver:password@localhost:5432/homeserver or DATABASE_URL=sqlite:/var/lib/homeserver/homeserver.db")
	}
	for _, err := range []error{c.Server.Validate(), c.TLS.Validate(c.Server.Port), c.Auth.Validate(), c.Files.Validate(), c.Monitor.Validate()} {
		if err != nil {
			return err
		}
	}
	return nil
}

func validURL(url string) bool {
	for _, scheme := range []string{"sqlite:", "postgres://", "postgresql://", "postgresql+asyncpg://"} {
		if strings.HasPrefix(url, scheme) && len(url) > len(scheme) {
			return true
		}
	}
	return false
}

// explain turns the parser's error into a sentence with the variable's name and an example.
func explain(err error, values map[string]string) error {
	var aggregate env.AggregateError
	if errors.As(err, &aggregate) && len(aggregate.Errors) > 0 {
		err = aggregate.Errors[0]
	}
	var parse env.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	if parse.Type.Kind() == reflect.Pointer { // a setting that may be absent
		parse.Type = parse.Type.Elem()
	}
	name := variable(reflect.TypeFor[Config](), parse.Name)
	kind := map[reflect.Kind]string{reflect.Int: "a whole number", reflect.Bool: "true or false", reflect.Int64: "a duration or a whole number"}[parse.Type.Kind()]
	if kind == "" {
		kind = "a " + parse.Type.String()
	}
	return fmt.Errorf("%s is %q, which is not %s; for example %s=%s", name, values[name], kind, name, examples()[name])
}

// Names lists every setting, in the order of the structs.
func Names() []string { return names(reflect.TypeFor[Config]()) }

func names(t reflect.Type) []string {
	var out []string
	for field := range t.Fields() {
		switch name, _, _ := strings.Cut(field.Tag.Get("env"), ","); {
		case name != "":
			out = append(out, name)
		case field.Type.Kind() == reflect.Struct:
			out = append(out, names(field.Type)...)
		}
	}
	return out
}

// variable finds the setting of the struct field called name.
func variable(t reflect.Type, name string) string {
	for field := range t.Fields() {
		if tag := field.Tag.Get("env"); tag != "" && field.Name == name {
			return tag
		}
		if field.Type.Kind() == reflect.Struct {
			if found := variable(field.Type, name); found != "" {
				return found
			}
		}
	}
	return ""
}
