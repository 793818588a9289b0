package history

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"homeserver/internal/platform/sqldb"
)

// Report is what Verify found.
type Report struct {
	Series   int       `json:"series"`
	Pages    int       `json:"pages"`
	Samples  int64     `json:"samples"` // of 2 s
	Bytes    int64     `json:"bytes"`   // of the file that are in use
	Problems []Problem `json:"problems"`
}

// OK reports whether all is well.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Problem is a page that is not as it should be.
type Problem struct {
	Series string    `json:"series"`
	Tier   string    `json:"tier"` // 2s, 1m or 1h; empty for the seconds that are not put away yet, and for the file itself
	From   time.Time `json:"from"`
	What   string    `json:"what"`
}

// Verify reads a history whole: the file is sound, every page can be read, and minutes and hours say what the
// finer figures say that they were made of. It changes nothing, and may run beside a server.
// progress, if any, is told the pages done and all.
func Verify(ctx context.Context, config Config, log *slog.Logger, progress func(done, all int)) (*Report, error) {
	db, err := config.open(ctx, log)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	h := &History{config: config, db: db, log: slog.New(slog.DiscardHandler), byKey: map[string]int{}, hour: noHour, open: map[int][]int64{}}
	if err := checkVersion(ctx, h.db); err != nil {
		return nil, config.broken(err)
	}
	v := verification{h: h, report: &Report{Problems: []Problem{}}, progress: progress}
	if err := v.file(ctx); err != nil {
		return nil, err
	}
	broken := !v.report.OK()
	err = v.run(ctx)
	if broken && err != nil && ctx.Err() == nil { // which was to be expected
		v.report.Problems = append(v.report.Problems, Problem{What: "the rest cannot be read: " + err.Error()})
		err = nil
	}
	return v.report, config.broken(err)
}

// mostFileProblems is how much is said of a file that is damaged all over.
const mostFileProblems = 10

// file has the database look whether the file itself is sound: where it is not, whole stretches of
// pages may be missing without a trace.
func (v *verification) file(ctx context.Context) error {
	found, err := sqldb.Texts(ctx, v.h.db, fmt.Sprintf(`PRAGMA integrity_check(%d)`, mostFileProblems))
	if err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil { // it cannot even be looked at
		found = append(found, err.Error())
	}
	for _, what := range found {
		if what != "ok" {
			v.report.Problems = append(v.report.Problems, Problem{What: "the file is damaged: " + strings.Join(strings.Fields(what), " ")})
		}
	}
	return nil
}

// verification is one run of Verify.
type verification struct {
	h        *History
	report   *Report
	progress func(done, all int)
}

func (v *verification) run(ctx context.Context) (err error) {
	if err := v.h.loadSeries(ctx); err != nil {
		return err
	}
	v.report.Series = len(v.h.series)
	if v.report.Bytes, err = v.h.size(ctx); err != nil {
		return err
	}
	pages, err := v.h.pageNumbers(ctx)
	if err != nil {
		return err
	}
	for i, p := range pages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := v.page(ctx, p); err != nil {
			return err
		}
		if v.progress != nil {
			v.progress(i+1, len(pages))
		}
	}
	v.report.Pages = len(pages)
	return v.tail(ctx)
}

// page looks at one page. What seems wrong is looked at again in a transaction: a server may
// have put an hour away between two readings.
func (v *verification) page(ctx context.Context, p pageNumber) error {
	what, samples, err := v.look(ctx, v.h.db, p)
	if err == nil && what != "" {
		err = v.h.db.Tx(ctx, func(tx *sqldb.Tx) error {
			what, samples, err = v.look(ctx, tx, p)
			return err
		})
	}
	if err != nil {
		return err
	}
	v.report.Samples += samples
	if what != "" {
		v.report.Problems = append(v.report.Problems, Problem{
			Series: v.h.keyOf(p.series), Tier: p.tier.String(), From: time.UnixMilli(p.number * p.tier.slots() * p.tier.step().Milliseconds()).UTC(), What: what,
		})
	}
	return nil
}

// look reads a page, and compares what the next coarser tier says of its time.
func (v *verification) look(ctx context.Context, q sqldb.Querier, p pageNumber) (what string, count int64, err error) {
	blob, err := v.h.blob(ctx, q, p)
	if err != nil || blob == nil { // nil: it was dropped meanwhile, being too old
		return "", 0, err
	}
	page, damage := v.unpack(blob, p.tier)
	if damage != "" {
		return damage, 0, nil
	}
	if p.tier == samples {
		for _, x := range page[0] {
			if x != gap {
				count++
			}
		}
	}
	if p.tier == hours {
		return "", 0, nil
	}
	coarser := p.tier + 1
	each := int(coarser.step() / p.tier.step())
	want := rollUp(page, each)
	first := p.number * p.tier.slots() / int64(each)
	above := pageNumber{coarser, p.series, floorDiv(first, coarser.slots())}
	if blob, err = v.h.blob(ctx, q, above); err != nil {
		return "", count, err
	}
	if blob == nil {
		return v.missing(p, coarser), count, nil
	}
	got, damage := v.unpack(blob, coarser)
	if damage != "" {
		return "", count, nil // said of that page itself
	}
	at := int(first - above.number*coarser.slots())
	for c := range want {
		if n := len(want[c]); !slices.Equal(want[c], got[c][at:at+n]) {
			return fmt.Sprintf("the figures of every %s do not say what these say", coarser), count, nil
		}
	}
	return "", count, nil
}

// unpack reads a page, or says what is wrong with it.
func (v *verification) unpack(blob []byte, t tier) (page [][]int64, damage string) {
	page, err := v.h.pages.unpack(blob, t.columns(), int(t.slots()))
	if err != nil {
		return nil, err.Error()
	}
	return page, ""
}

// missing says that the coarser page is not there, unless it was dropped for its age.
func (v *verification) missing(p pageNumber, coarser tier) string {
	if time.Since(time.UnixMilli(p.number*p.tier.slots()*p.tier.step().Milliseconds())) > coarser.keep() {
		return ""
	}
	return fmt.Sprintf("the figures of every %s are not there", coarser)
}

// tail reads what is not put away yet.
func (v *verification) tail(ctx context.Context) error {
	blobs, err := v.h.tailBlobs(ctx)
	for _, blob := range blobs {
		ticks, err := decodeTicks(blob, v.h.byID())
		for _, t := range ticks {
			v.report.Samples += int64(len(t.samples))
		}
		if err != nil {
			v.report.Problems = append(v.report.Problems, Problem{What: "some seconds that are not put away yet cannot be read"})
		}
	}
	return err
}
