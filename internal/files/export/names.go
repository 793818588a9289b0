package export

import (
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxName is the length of the longest name that file systems take, in bytes.
const maxName = 255

// maxPortable is the same where file systems count characters of two or three bytes.
const maxPortable = maxName / 3

// harmless makes a name of a label: one element of a path that can be a file's name here.
func harmless(label string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '/' || r == utf8.RuneError {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(label, "_"))
	if name == "" || name == "." || name == ".." {
		return "unnamed"
	}
	return fit(name, "", maxName)
}

// portable is harmless for file systems that take less: FAT, exFAT, NTFS, network shares.
func portable(label string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*\`, r) || r > 0xffff {
			return '_'
		}
		return r
	}, harmless(label))
	// Twice, because what is cut may end in a blank, and what is cut and trimmed may be reserved.
	for range 2 {
		name = strings.TrimRight(fit(name, "", maxPortable), ". ")
		if base, _, _ := strings.Cut(name, "."); name == "" || reserved(base) {
			name = "_" + name
		}
	}
	return name
}

// reserved reports names that mean a device on Windows.
func reserved(base string) bool {
	base = strings.ToUpper(strings.TrimSpace(base))
	switch base {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	port := strings.HasPrefix(base, "COM") || strings.HasPrefix(base, "LPT")
	return port && len(base) == len("COM1") && base[3] >= '1' && base[3] <= '9'
}

// numbered is the nth of several things of one name: "name (2).ext".
func numbered(name string, n int, isFile bool) string {
	if n < 2 {
		return name
	}
	number := " (" + strconv.Itoa(n) + ")"
	if !isFile {
		return fit(name, number, maxName)
	}
	extension := path.Ext(name)
	if extension == name || len(extension) > maxName/4 {
		extension = "" // .profile, or no extension at all
	}
	return fit(strings.TrimSuffix(name, extension), number+extension, maxName)
}

// fit joins name and end and cuts the name, between characters, so that both fit. A name that
// has to be cut keeps its extension.
func fit(name, end string, longest int) string {
	if len(name)+len(end) <= longest {
		return name + end
	}
	if extension := path.Ext(name); end == "" && len(extension) < longest/4 {
		name, end = strings.TrimSuffix(name, extension), extension
	}
	cut := max(longest-len(end), 0)
	for cut > 0 && cut < len(name) && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:min(cut, len(name))] + end
}
