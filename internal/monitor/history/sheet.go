package history

import "fmt"

// sheet is a page's columns, and how they are told.
type sheet struct {
	columns [][]int64
	unit    int64         // what all values but counts are multiples of
	layout  byte          // an index of layouts
	follow  [columns]byte // how each column is followed: an index of followers
}

// base is where the columns that are known already put a value.
type base byte

const (
	nowhere   base = iota
	atTheMean      // of the slot's samples
	atOnePeak      // as if all the slot's samples were the lowest, but for one
)

// part is a column, and what it leans on.
type part struct {
	column int
	base   base
}

// layouts are the orders in which columns are told. The first is that of samples.
var layouts = [...][]part{
	{{columnSum, nowhere}},
	{{columnCount, nowhere}, {columnSum, nowhere}, {columnMin, atTheMean}, {columnMax, atTheMean}},
	{{columnCount, nowhere}, {columnSum, nowhere}, {columnMin, nowhere}, {columnMax, nowhere}},
	{{columnCount, nowhere}, {columnMin, nowhere}, {columnMax, nowhere}, {columnSum, atOnePeak}},
}

// valid reports whether the layout is one of as many columns, and every follower is known.
func (s *sheet) valid() bool {
	if int(s.layout) >= len(layouts) || len(layouts[s.layout]) != len(s.columns) {
		return false
	}
	for _, f := range s.follow {
		if int(f) >= len(followers) {
			return false
		}
	}
	return true
}

// code tells which slots have values and then the columns, or takes them in; an error is about what is read.
func (s *sheet) code(c *coder) error {
	if err := s.codePresence(c); err != nil {
		return err
	}
	for _, p := range layouts[s.layout] {
		n := newNumbers()
		s.walk(p, s.follow[p.column], func(i int, foretold int64) int64 {
			return foretold + n.code(c, s.value(p.column, i)-foretold)
		})
	}
	return nil
}

// codePresence tells which slots have values: how long the runs are of those that have and those that have not, in
// turn.
func (s *sheet) codePresence(c *coder) error {
	n, slots := newNumbers(), s.columns[0]
	for i, present := 0, true; i < len(slots); present = !present {
		run := 0
		for !c.reading && i+run < len(slots) && (slots[i+run] != gap) == present {
			run++
		}
		run = int(n.code(c, int64(run)))
		if run < 0 || run > len(slots)-i || run == 0 && i > 0 {
			return fmt.Errorf("%w: its runs are wrong", errPage)
		}
		for _, column := range s.columns {
			for j := i; !present && j < i+run; j++ {
				column[j] = gap
			}
		}
		i += run
	}
	return nil
}

// walk goes along a part, hands what is foretold of each value to do, and takes the value from it.
func (s *sheet) walk(p part, follow byte, do func(i int, foretold int64) int64) {
	f := follower{how: follow}
	for i, v := range s.columns[p.column] {
		if v == gap {
			continue
		}
		weight := int64(1)
		if p.column == columnSum && p.base == nowhere {
			weight = s.count(i)
		}
		at := s.at(p.base, i)
		now := do(i, at+f.foretell(weight))
		f.follow(now-at, weight)
		s.set(p.column, i, now)
	}
}

// at is where a base puts slot i.
func (s *sheet) at(b base, i int) int64 {
	switch b {
	case atTheMean:
		return s.value(columnSum, i) / s.count(i)
	case atOnePeak:
		return s.value(columnMax, i) + (s.count(i)-1)*s.value(columnMin, i)
	default:
		return 0
	}
}

// count is of how many samples slot i is; never less than one, which a page made to harm could say.
func (s *sheet) count(i int) int64 {
	if len(s.columns) == 1 {
		return 1
	}
	return max(1, s.columns[columnCount][i])
}

// value is a value in units, and a count as it is.
func (s *sheet) value(column, i int) int64 {
	if column == columnCount {
		return s.columns[column][i]
	}
	return s.columns[column][i] / s.unit
}

func (s *sheet) set(column, i int, v int64) {
	if column != columnCount {
		v *= s.unit
	}
	s.columns[column][i] = v
}

// unitOf is the greatest number that all values but counts are multiples of.
func unitOf(columns [][]int64) int64 {
	unit := uint64(0)
	for c, column := range columns {
		if c == columnCount {
			continue
		}
		for _, v := range column {
			if v == gap {
				continue
			}
			for rest := magnitude(v); rest != 0; {
				unit, rest = rest, unit%rest
			}
		}
	}
	return max(1, int64(unit))
}
