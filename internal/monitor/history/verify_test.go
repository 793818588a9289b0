package history

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestVerify: a sound history is sound, with its gaps and what is not put away yet; a page that
// cannot be read, one that lies about finer figures and one that is not there are each named.
func TestVerify(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	h := open(t, file)
	defer h.Close()
	a, b := h.mustSeries(t, "a", 10), h.mustSeries(t, "b{/mnt}", 10)
	start := time.Now().Add(-50 * time.Hour).Truncate(time.Hour)
	n := 0
	for at := start; at.Before(start.Add(49*time.Hour + time.Minute)); at = at.Add(10 * time.Second) {
		if err := h.Append(t.Context(), at, []Sample{{a, float64(n % 77)}, {b, float64(n % 5)}}); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	verify := func() *Report {
		t.Helper()
		var last, of int
		r, err := Verify(t.Context(), Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler), func(done, all int) { last, of = done, all })
		if err != nil {
			t.Fatal(err)
		}
		if last != of || of != r.Pages {
			t.Errorf("progress ended at %d of %d, with %d pages", last, of, r.Pages)
		}
		return r
	}
	if r := verify(); !r.OK() || r.Series != 2 || r.Samples != int64(2*n) || r.Pages < 2*49 || r.Bytes == 0 {
		t.Fatalf("got %+v, want no problem and %d samples", r, 2*n)
	}
	minute := floorDiv(start.UnixMilli(), 60_000*minutes.slots())
	for _, harm := range []struct {
		what, statement string
		args            []any
		want            string
	}{
		{"a page cut short", `UPDATE pages SET page = substr(page, 1, 9) WHERE id = $1`, []any{pageID(samples, h.series[a].id, start.Unix()/3600+3)}, "damaged"},
		{"a page of another series", `UPDATE pages SET page = (SELECT page FROM pages WHERE id = $1) WHERE id = $2`, []any{pageID(hours, h.series[b].id, start.Unix()/3600/hoursPerMonth), pageID(hours, h.series[a].id, start.Unix()/3600/hoursPerMonth)}, "every 1h do not say"},
		{"a page that is gone", `DELETE FROM pages WHERE id = $1`, []any{pageID(minutes, h.series[b].id, minute)}, "every 1m are not there"},
	} {
		if n, err := h.db.Exec(t.Context(), harm.statement, harm.args...); err != nil || n != 1 {
			t.Fatal(harm.what, n, err)
		}
		r := verify()
		found := false
		for _, p := range r.Problems {
			found = found || strings.Contains(p.What, harm.want)
		}
		if !found {
			t.Errorf("%s: got %+v, want one with %q", harm.what, r.Problems, harm.want)
		}
	}
}
