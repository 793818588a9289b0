package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct {
	what      string
	ours      string
	reference string
	ratio     float64 // 0: none
	target    string
	verdict   verdict
	peak      int64 // bytes resident; 0: not known
	note      string
}

type verdict int

const (
	noTarget verdict = iota
	reached
	missed
)

// String is the last column's word.
func (v verdict) String() string {
	switch v {
	case reached:
		return "yes"
	case missed:
		return "below target"
	}
	return ""
}

// judge turns a comparison into a verdict.
func judge(ok bool) verdict {
	if ok {
		return reached
	}
	return missed
}

func columns() []string {
	return []string{"what", "ours", "reference", "ratio", "target", "ok?", "ours, peak RSS"}
}

func (r row) cells() []string {
	cells := []string{r.what, r.ours, r.reference, "", r.target, r.verdict.String(), ""}
	if r.ratio > 0 {
		cells[3] = fmt.Sprintf("%.2f", r.ratio)
	}
	if r.peak > 0 {
		cells[6] = mebibytes(r.peak)
	}
	if r.note != "" {
		cells[1] = strings.TrimSpace(cells[1] + " " + r.note)
	}
	return cells
}

// render prints the rows as aligned text or as a Markdown table.
func render(w io.Writer, rows []row, markdown bool) error {
	if markdown {
		head := columns()
		fmt.Fprintf(w, "\n| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
		for _, r := range rows {
			fmt.Fprintf(w, "| %s |\n", strings.Join(r.cells(), " | "))
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w)
	fmt.Fprintln(t, strings.Join(columns(), "\t"))
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r.cells(), "\t"))
	}
	return t.Flush()
}

// mebibytes writes bytes as MiB.
func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// perSecond writes a rate.
func perSecond(rate float64) string { return fmt.Sprintf("%.0f/s", rate) }

// throughput writes bytes per second as MiB/s.
func throughput(rate float64) string { return fmt.Sprintf("%.0f MiB/s", rate/(1<<20)) }

// millis writes a duration in milliseconds.
func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }

// atLeast makes the row of a rate that should reach share of the reference; share 0 means the
// reference is shown for comparison only.
func atLeast(what string, ours, reference, share float64, unit func(float64) string, name string) row {
	r := row{what: what, ours: unit(ours)}
	if reference > 0 {
		r.reference, r.ratio = name+" "+unit(reference), ours/reference
	}
	if share > 0 {
		r.target, r.verdict = fmt.Sprintf("ratio ≥ %.2f", share), judge(r.ratio >= share)
	}
	return r
}
