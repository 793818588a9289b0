package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

const (
	// toolTime bounds how long one call of a tool may take: a disk that is being woken by somebody
	// else needs 10 s and more.
	toolTime = 25 * time.Second
	// toolOutput bounds what a tool may say, in bytes; smartctl says about 20,000.
	toolOutput = 4 << 20
)

// Tool runs a program and returns what it wrote to its standard output, also when it failed.
type Tool func(name string, arguments ...string) ([]byte, error)

// runTools makes the Tool of the real machine; its programs end with ctx.
func runTools(ctx context.Context) Tool {
	return func(name string, arguments ...string) ([]byte, error) {
		path, err := lookTool(name)
		if err != nil {
			return nil, fmt.Errorf("%s is not installed: %w", name, ErrUnsupported)
		}
		ctx, cancel := context.WithTimeout(ctx, toolTime)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, arguments...)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		cmd.WaitDelay = time.Second
		out := &capped{}
		cmd.Stdout = out
		if err = cmd.Run(); err != nil {
			err = fmt.Errorf("%s: %w", name, errors.Join(err, ctx.Err()))
		}
		return out.text.Bytes(), err
	}
}

// lookTool finds a program. Services often have no /usr/sbin in their PATH, where smartctl lies.
func lookTool(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/", "/usr/local/sbin/"} {
		if found, err := exec.LookPath(dir + name); err == nil {
			return found, nil
		}
	}
	return "", err
}

// capped keeps what is written to it, up to toolOutput.
type capped struct{ text bytes.Buffer }

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	if c.text.Len()+len(p) > toolOutput {
		return 0, fmt.Errorf("more than %d bytes", toolOutput)
	}
	return c.text.Write(p)
}
