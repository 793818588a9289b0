package files

import (
	"fmt"

	"homeserver/internal/platform/errs"
)

// typeExists is the type of the problem that something of this name is in the folder;
// on_conflict says what to do.
const typeExists = "exists"

// conflict is what a client wants done when a name is taken: on_conflict.
type conflict string

// The ways out of a conflict.
const (
	keepBoth   conflict = "keep"    // two files of one name; of folders see decide
	renameNew  conflict = "rename"  // the newcomer is numbered: "name (2).ext"
	replaceOld conflict = "replace" // a file gets a new version, a folder goes to the trash
	failOnOld  conflict = "fail"    // nothing happens, and the client is told
)

// parseConflict reads on_conflict; what is left out is otherwise.
func parseConflict(s string, otherwise conflict) (conflict, error) {
	switch c := conflict(s); c {
	case "":
		return otherwise, nil
	case keepBoth, renameNew, replaceOld, failOnOld:
		return c, nil
	}
	return "", errs.New(errs.Invalid, "on_conflict must be keep, rename, replace or fail.")
}

// verdict is what happens to a newcomer.
type verdict int

// The verdicts.
const (
	takeName     verdict = iota // it gets its name
	numberName                  // it gets a number
	replaceFile                 // the file that is there gets its content as a new version
	trashFolder                 // the folder that is there goes to the trash, and it gets the name
	answerFolder                // the folder that is there is what was asked for
	refuseName                  // nothing is done
)

// newcomer is what wants a name in a folder.
type newcomer struct {
	kind    itemKind
	created bool // a folder that is made anew, not one that comes from elsewhere
}

// decide says what happens to a newcomer whose name a file, a folder or both bear already.
func (c conflict) decide(n newcomer, file, folder bool) verdict {
	switch {
	case !file && !folder:
		return takeName
	case c == failOnOld:
		return refuseName
	case c == renameNew:
		return numberName
	case n.kind == kindFile && c == keepBoth:
		return takeName
	case n.kind == kindFile: // a file never takes a folder's place
		return pick(file && !folder, replaceFile, refuseName)
	case c == replaceOld: // nor a folder a file's, and what is made anew replaces nothing
		return pick(folder && !file && !n.created, trashFolder, refuseName)
	case n.created && folder:
		return answerFolder
	}
	return numberName
}

func pick(first bool, a, b verdict) verdict {
	if first {
		return a
	}
	return b
}

// maxNumber is the largest number that a name is given; a folder with so many of one name is a
// program's mistake.
const maxNumber = 1 << 20

// freeName finds the smallest number nobody has after one that somebody has, in about
// 2 log2(n) questions: a thousand photos called image.jpg cost twenty, not a thousand.
func freeName(name string, taken func(name string) (bool, error)) (string, error) {
	below, free := 1, 2 // somebody has the name itself
	for {
		used, err := taken(numberedName(name, free))
		if err != nil {
			return "", err
		}
		if !used {
			break
		}
		if free >= maxNumber {
			return "", errs.Newf(errs.Conflict, "There are more than %d of the name %q here; choose another one.", maxNumber, name)
		}
		below, free = free, 2*free
	}
	for free-below > 1 {
		middle := below + (free-below)/2
		used, err := taken(numberedName(name, middle))
		if err != nil {
			return "", err
		}
		if used {
			below = middle
		} else {
			free = middle
		}
	}
	return numberedName(name, free), nil
}

// errExists says that a name is taken.
func errExists(name string, by itemKind) error {
	return errs.Typed(errs.Conflict, typeExists, fmt.Sprintf("There is a %s of the name %q here already. Nothing was changed; choose another name, or say with on_conflict what shall become of the two.", by, name))
}
