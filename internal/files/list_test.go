package files

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestListOrders walks every order, filter and page size and compares with sorting in memory,
// through every plan.
func TestListOrders(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var all []FileBody
		for i := range 60 {
			name := fmt.Sprintf("%s %d.txt", []string{"Änderung", "bild", "BILD", "Zebra"}[i%4], i/8) // equal keys on purpose
			tags := "all"
			if i%10 == 0 {
				tags = "all,rare"
			}
			all = append(all, h.put(name, strings.Repeat("x", i%5), tags))
		}
		gone := h.put("bild deleted", "x", "all,rare")
		h.want(h.do("DELETE", prefix+"/"+gone.ID, "", nil), 200)
		for _, sort := range []string{"date", "name", "size"} {
			for _, order := range []string{"asc", "desc"} {
				for _, tag := range []string{"", "all", "rare", "none", "ALL"} {
					for _, q := range []string{"", "bIlD", "änd", "3.txt", "%"} {
						want := expected(all, sort, order, tag, q)
						base := fmt.Sprintf("?sort=%s&order=%s&tag=%s&q=%s", sort, order, tag, url.QueryEscape(q))
						whole := h.list(base)
						if got := idsOf(whole.Files); !slices.Equal(got, want) || whole.Total != int64(len(want)) || whole.NextCursor != "" {
							t.Fatalf("%s: got %d of %d, want %d\ngot  %v\nwant %v", base, len(got), whole.Total, len(want), got, want)
						}
						for _, limit := range []int{1, 7, 60, 1000} {
							if limit == 1 && len(want) > 20 {
								continue
							}
							if got := h.pages(base, limit, len(want)); !slices.Equal(got, want) {
								t.Fatalf("%s limit %d: got %v, want %v", base, limit, got, want)
							}
						}
					}
				}
			}
		}
		h.consistent()
	})
}

// pages walks a list by its cursors.
func (h *house) pages(base string, limit, total int) []string {
	h.t.Helper()
	var ids []string
	cursor := ""
	for range total + 2 {
		page := h.list(fmt.Sprintf("%s&limit=%d&cursor=%s", base, limit, cursor))
		if page.Total != int64(total) || len(page.Files) > limit {
			h.t.Fatalf("%s: got a page of %d of %d, want at most %d of %d", base, len(page.Files), page.Total, limit, total)
		}
		ids = append(ids, idsOf(page.Files)...)
		if cursor = page.NextCursor; cursor == "" {
			return ids
		}
	}
	h.t.Fatalf("%s: the cursors do not end", base)
	return nil
}

func idsOf(files []FileBody) []string {
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	return ids
}

func expected(all []FileBody, sort, order, tag, q string) []string {
	var match []FileBody
	for _, f := range all {
		if (tag == "" || slices.Contains(f.Tags, tag)) && strings.Contains(nameKey(f.Filename), nameKey(q)) {
			match = append(match, f)
		}
	}
	slices.SortFunc(match, func(a, b FileBody) int {
		c := cmp.Or(map[string]int{"date": dateOf(a).Compare(dateOf(b)), "name": cmp.Compare(nameKey(a.Filename), nameKey(b.Filename)), "size": cmp.Compare(a.Size, b.Size)}[sort], cmp.Compare(a.ID, b.ID))
		if order == "desc" {
			return -c
		}
		return c
	})
	return idsOf(match)
}

// dateOf reads the date: as text, one with fewer digits would come too late.
func dateOf(f FileBody) time.Time {
	date, _ := time.Parse(time.RFC3339Nano, f.UploadDate)
	return date
}

func TestListRefusals(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.put("a", "1", "t")
		h.put("b", "2", "t")
		cursor := h.list("?limit=1").NextCursor
		for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x", "?limit=-1", "?limit=", "?sort=magic", "?order=up", "?cursor=x", "?limit=1&sort=name&cursor=" + cursor, "?limit=1&tag=t&cursor=" + cursor, "?q=" + strings.Repeat("x", 256), "?q=%ff"} {
			h.want(h.get(prefix+"/list"+query), 422)
		}
		for _, query := range []string{"?tag=%00", "?q=%00", "?tag=" + strings.Repeat("x", 3000), "?tag='%3B--", "?tag=%20t"} {
			if got := h.list(query); got.Total != 0 || len(got.Files) != 0 || got.Files == nil {
				t.Errorf("%s: got %+v, want an empty list", query, got)
			}
		}
		if got := h.get(prefix + "/list?tag=none").Body.String(); got != "{\"files\":[],\"total\":0}\n" {
			t.Errorf("got %q", got)
		}
		if got := h.list("?tag="); got.Total != 2 {
			t.Errorf("an empty tag: got %d, want 2", got.Total)
		}
	})
}
