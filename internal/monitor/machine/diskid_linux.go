package machine

import (
	"os"
	"path/filepath"
	"strings"
)

// wholeDisk asks /sys whether a block device is a disk of its own.
func wholeDisk(root, name string) bool {
	for _, prefix := range []string{"loop", "ram", "zram", "dm-", "md", "zd", "sr", "fd"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	if partition(root, name) {
		return false
	}
	below, _ := os.ReadDir(blockFolder(root, name) + "/slaves")
	return len(below) == 0
}

// partition reports whether a device is not in /sys/block: a partition lies inside its disk's
// folder.
func partition(root, name string) bool {
	_, err := os.Stat(blockFolder(root, name))
	return err != nil
}

func blockFolder(root, name string) string {
	return filepath.Join(root, "sys/block", strings.ReplaceAll(name, "/", "!")) // cciss/c0d0 is cciss!c0d0
}

// diskIdentity is what a disk is called.
type diskIdentity struct {
	id       string // stable: wwid or serial, else the name
	title    string
	model    string
	serial   string
	wwid     string
	revision string
}

// identify finds out who a disk is. Twins of a model differ in their serial number; names such as
// sda change places from one start to the next.
func identify(root, name string) diskIdentity {
	dir := blockFolder(root, name)
	read := func(files ...string) string {
		for _, f := range files {
			if text := strings.Join(strings.Fields(readText(filepath.Join(dir, f))), " "); text != "" {
				return text
			}
		}
		return ""
	}
	d := diskIdentity{model: read("device/model"), serial: read("device/serial", "serial"), wwid: read("wwid", "device/wwid"), revision: read("device/rev", "device/firmware_rev")}
	if d.serial == "" {
		d.serial = pageSerial(filepath.Join(dir, "device/vpd_pg80"))
	}
	d.id = first(d.serial, d.wwid, name)
	if controller, namespace, ok := strings.Cut(strings.TrimPrefix(name, "nvme"), "n"); ok && strings.HasPrefix(name, "nvme") && controller != "" && namespace != "1" {
		d.id = first(d.wwid, d.id+"/"+namespace) // the namespaces of one NVMe share its serial number
	}
	d.title = name
	if d.model != "" {
		d.title = name + " (" + d.model + ")"
	}
	return d
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// pageSerial reads a SCSI or SATA disk's unit serial number (vital product data, page 0x80): four
// bytes of heading, then text.
func pageSerial(path string) string {
	page, err := os.ReadFile(path)
	if err != nil || len(page) <= 4 {
		return ""
	}
	return strings.TrimSpace(strings.Trim(string(page[4:]), "\x00"))
}

// readText reads a small file, "" when it cannot be read.
func readText(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
