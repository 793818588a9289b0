package auth

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
)

const (
	kindSetup = "setup"
	// setupCodeLength is in characters of base 32: 80 bits, in four groups that can be typed.
	setupCodeLength, setupCodeGroup = 16, 4
	// setupCodeLife is how long a printed code works; each start prints another.
	setupCodeLife = 7 * 24 * time.Hour
)

// SetupCode makes a code that lets its holder make the first administrator, for the server to
// print. It is "" when the house has been set up.
func (a *Auth) SetupCode(ctx context.Context) (string, error) {
	if !a.Closed() {
		return "", nil
	}
	code := rand.Text()[:setupCodeLength]
	err := a.store.putChallenge(ctx, hashOf(code), kindSetup, "", "", a.now().Add(setupCodeLife).UnixMicro())
	return grouped(code, setupCodeGroup), err
}

// grouped writes a code in groups, so that it can be typed and read out.
func grouped(code string, size int) string {
	var groups []string
	for at := 0; at < len(code); at += size {
		groups = append(groups, code[at:min(at+size, len(code))])
	}
	return strings.Join(groups, "-")
}

// cleanCode is a code as it was made, however a person typed it. Base 32 has no 0, 1 and 8,
// which are read as the letters they look like.
func cleanCode(code string) string {
	return strings.NewReplacer("0", "O", "1", "I", "8", "B").Replace(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r == '-' || r == ' ' || r == '\t' || r == '\n':
			return -1
		}
		return r
	}, code))
}

// toUTF8 makes header text something that both databases keep.
func toUTF8(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}
