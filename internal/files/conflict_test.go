package files

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"homeserver/internal/platform/errs"
)

func TestStrictName(t *testing.T) {
	for _, name := range []string{"a", "a b.txt", "...", ".profile", "日本語.txt", "😀", "e\u0301", " ", "CON", "a:b*?", strings.Repeat("x", maxNameBytes)} {
		if err := strictName(name); err != nil {
			t.Errorf("%q: got %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "/", `a\b`, "a\x00", "a\nb", "\x7f", "\u0085", "a\xff", strings.Repeat("x", maxNameBytes+1), strings.Repeat("ä", 128)} {
		if err := strictName(name); !errs.Is(err, errs.Invalid) || !strings.HasSuffix(errs.Detail(err), ".") {
			t.Errorf("%q: got %v, want a refusal with a sentence", name, err)
		}
	}
}

func TestNumberedName(t *testing.T) {
	long := strings.Repeat("ä", 127)
	for name, want := range map[string]string{
		"a.txt": "a (2).txt", "a": "a (2)", ".profile": ".profile (2)", "a.tar.gz": "a.tar (2).gz", "a.": "a (2).",
		long + ".x": strings.Repeat("ä", 124) + " (2).x", "a." + strings.Repeat("e", 60): "a." + strings.Repeat("e", 60) + " (2)",
	} {
		if got := numberedName(name, 2); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// TestFreeName asks of a row of names of any length few questions, and takes the first gap it
// may take.
func TestFreeName(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 8, 100, 10_000} {
		asked := 0
		got, err := freeName("a.txt", func(name string) (bool, error) {
			asked++
			var number int
			_, err := fmt.Sscanf(name, "a (%d).txt", &number)
			return number < n+2, err
		})
		if want := fmt.Sprintf("a (%d).txt", n+2); err != nil || got != want || asked > 30 {
			t.Errorf("%d taken: got %q, %v with %d questions; want %q", n, got, err, asked, want)
		}
	}
	if _, err := freeName("a", func(string) (bool, error) { return true, nil }); !errs.Is(err, errs.Conflict) {
		t.Errorf("got %v, want an end", err)
	}
}

func TestDecide(t *testing.T) {
	file, folder, made := newcomer{kind: kindFile}, newcomer{kind: kindFolder}, newcomer{kind: kindFolder, created: true}
	for _, c := range []struct {
		conflict conflict
		n        newcomer
		// with nothing of the name there, a file, a folder, both
		want [4]verdict
	}{
		{keepBoth, file, [4]verdict{takeName, takeName, takeName, takeName}},
		{renameNew, file, [4]verdict{takeName, numberName, numberName, numberName}},
		{replaceOld, file, [4]verdict{takeName, replaceFile, refuseName, refuseName}},
		{failOnOld, file, [4]verdict{takeName, refuseName, refuseName, refuseName}},
		{keepBoth, folder, [4]verdict{takeName, numberName, numberName, numberName}},
		{renameNew, folder, [4]verdict{takeName, numberName, numberName, numberName}},
		{replaceOld, folder, [4]verdict{takeName, refuseName, trashFolder, refuseName}},
		{failOnOld, folder, [4]verdict{takeName, refuseName, refuseName, refuseName}},
		{keepBoth, made, [4]verdict{takeName, numberName, answerFolder, answerFolder}},
		{renameNew, made, [4]verdict{takeName, numberName, numberName, numberName}},
		{replaceOld, made, [4]verdict{takeName, refuseName, refuseName, refuseName}},
		{failOnOld, made, [4]verdict{takeName, refuseName, refuseName, refuseName}},
	} {
		for i, want := range c.want {
			if got := c.conflict.decide(c.n, i&1 != 0, i&2 != 0); got != want {
				t.Errorf("%s of %+v, file %v, folder %v: got %d, want %d", c.conflict, c.n, i&1 != 0, i&2 != 0, got, want)
			}
		}
	}
}

// FuzzStrictNames: what the strict rules accept is a name for every disk, and stays one when it is
// numbered.
func FuzzStrictNames(f *testing.F) {
	for _, seed := range []string{"a.txt", ".", "..", "a/b", `a\b`, "\x00", "e\u0301", "\u212b", "ﬁ", "ẞ", "İ", ".a.", "a. (2)", "😀", "\u202e", strings.Repeat("ä", 127) + "x", strings.Repeat(".", 255), "\xff"} {
		f.Add(seed, 2)
	}
	f.Fuzz(func(t *testing.T, name string, n int) {
		clean, err := cleanName(name)
		if err == nil && (clean == "" || strings.ContainsAny(clean, "/\\\x00") || !utf8.ValidString(clean) || utf8.RuneCountInString(clean) > maxName) {
			t.Errorf("cleanName(%q): got %q", name, clean)
		}
		if strictName(name) != nil {
			return
		}
		if kept, err := cleanName(name); err != nil || kept != name {
			t.Errorf("%q: cleanName makes %q of it, %v", name, kept, err)
		}
		if same := sameName(name); sameName(same) != same || nameKey(same) != nameKey(name) {
			t.Errorf("%q: compares as %q with key %q, itself has key %q", name, same, nameKey(same), nameKey(name))
		}
		if n < 2 || n > maxNumber {
			return
		}
		if got := numberedName(name, n); strictName(got) != nil || sameName(got) == sameName(numberedName(name, n+1)) {
			t.Errorf("%q: got %q", name, got)
		}
	})
}

// FuzzConflict plays newcomers into a folder and compares what is there with the rules.
func FuzzConflict(f *testing.F) {
	f.Add("a.txt\nA.txt\na.txt\na (2).txt", uint64(0x1234), uint64(0))
	f.Add("e\u0301\n\u00e9\n\u00e9\n\u00e9 (2)", uint64(0x1111), uint64(5))
	f.Add("x\nx\nx\nx\nx", uint64(0x33333), uint64(0b10101))
	f.Fuzz(func(t *testing.T, names string, conflicts, folders uint64) {
		ways := []conflict{keepBoth, renameNew, replaceOld, failOnOld}
		there := map[string][2]int{} // files and folders of each name
		for i, name := range strings.Split(names, "\n") {
			if i >= 32 || strictName(name) != nil {
				return
			}
			c := ways[conflicts>>(2*i)&3]
			n := newcomer{kind: kindFile}
			if folders>>i&1 == 1 {
				n = newcomer{kind: kindFolder, created: folders>>(32+i)&1 == 1}
			}
			before := there[sameName(name)]
			v := c.decide(n, before[0] > 0, before[1] > 0)
			if v == numberName {
				free, err := freeName(name, func(name string) (bool, error) { return there[sameName(name)] != [2]int{}, nil })
				if err != nil || there[sameName(free)] != [2]int{} || strictName(free) != nil {
					t.Fatalf("%q: got number %q, %v", name, free, err)
				}
				name, v = free, takeName
			}
			now := there[sameName(name)]
			switch v {
			case takeName:
				now[map[itemKind]int{kindFile: 0, kindFolder: 1}[n.kind]]++
			case replaceFile:
				if n.kind != kindFile || now[0] == 0 {
					t.Fatalf("%q replaces %v", name, now)
				}
			case trashFolder, answerFolder:
				if n.kind != kindFolder || now[1] != 1 {
					t.Fatalf("%q: verdict %d with %v", name, v, now)
				}
			}
			if now[1] > 1 || now[0] > 1 && c != keepBoth && now[0] != before[0] || c == failOnOld && before != [2]int{} && now != before {
				t.Fatalf("%q with %s: got %v after %v", name, c, now, before)
			}
			there[sameName(name)] = now
		}
	})
}
