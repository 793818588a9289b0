package commandline

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const exporterUnit = "prometheus-node-exporter.service"

// install runs scripts/install-test-tools on a machine that lacks the exporter only, with its
// units below root; apt-get writes down how it was called and what the unit was then.
func install(t *testing.T, root string) (apt, said string, err error) {
	t.Helper()
	bin := t.TempDir()
	for _, name := range []string{"bash", "env", "ls", "mkdir", "ln", "rm", "id", "tee", "readlink"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	script := func(name, text string) {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!"+filepath.Join(bin, "bash")+"\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"initdb", "chromium", "pebble", "cc", "free", "ip", "iostat", "unshare"} {
		script(name, "exit 0")
	}
	script("sudo", `exec "$@"`)
	// As the package does: it enables its unit unless that is masked, and a masked one is not started.
	script("apt-get", `echo "$* $(readlink "$SYSTEMD_ROOT/etc/systemd/system/`+exporterUnit+`")" >> "$SYSTEMD_ROOT/apt"
[ "$1" = install ] || exit 0
mkdir -p "$SYSTEMD_ROOT/etc/systemd/system/multi-user.target.wants"
ln -sf /usr/lib/systemd/system/`+exporterUnit+` "$SYSTEMD_ROOT/etc/systemd/system/multi-user.target.wants/`+exporterUnit+`"`)
	command := exec.Command(filepath.Join(bin, "bash"), "../../scripts/install-test-tools")
	command.Env = []string{"PATH=" + bin, "SYSTEMD_ROOT=" + root}
	out, err := command.CombinedOutput()
	raw, _ := os.ReadFile(filepath.Join(root, "apt")) // it may not have been called
	return string(raw), string(out), err
}

// TestInstallingTheExporterStartsNothing: where there was none its unit is masked while the
// package comes, and neither masked nor enabled afterwards.
func TestInstallingTheExporterStartsNothing(t *testing.T) {
	root := t.TempDir()
	apt, said, err := install(t, root)
	if err != nil || !strings.Contains(apt, "prometheus-node-exporter /dev/null") {
		t.Fatalf("got %v %s, apt-get was called with %q, want the unit masked meanwhile", err, said, apt)
	}
	etc := filepath.Join(root, "etc/systemd/system")
	for _, path := range []string{exporterUnit, "multi-user.target.wants/" + exporterUnit} {
		if _, err := os.Lstat(filepath.Join(etc, path)); err == nil {
			t.Errorf("%s is left behind", path)
		}
	}
}

// TestInstallingLeavesAnExporterAlone: a developer's own goes on as it was, wherever its unit lies.
func TestInstallingLeavesAnExporterAlone(t *testing.T) {
	for _, at := range []string{"etc/systemd/system/", "usr/local/lib/systemd/system/", "usr/lib/systemd/system/", "run/systemd/system/", "etc/systemd/system/multi-user.target.wants/"} {
		root := t.TempDir()
		unit := filepath.Join(root, at, exporterUnit)
		if err := os.MkdirAll(filepath.Dir(unit), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(unit, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		apt, said, err := install(t, root)
		if err == nil || apt != "" || !strings.Contains(said, exporterUnit) {
			t.Errorf("%s: got %v %q, apt-get was called with %q, want to be told and nothing installed", at, err, said, apt)
		}
		if text, err := os.ReadFile(unit); err != nil || string(text) != "theirs" {
			t.Errorf("%s: got %q %v, want it as it was", at, text, err)
		}
		filepath.Walk(root, func(path string, info os.FileInfo, err error) error { //nolint:errcheck // it gives none
			if err == nil && !info.IsDir() && path != unit {
				t.Errorf("%s: %s was made", at, path)
			}
			return nil
		})
	}
}
