package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRender(t *testing.T) {
	rows := []row{
		atLeast("uploads", 2000, 4000, 0.4, perSecond, "loop"),
		atLeast("downloads", 1000, 4000, 0.4, perSecond, "nginx"),
		atLeast("alone", 3, 0, 0, perSecond, "nginx"),
		{what: "start", note: "could not be measured: no disk", peak: 3 << 20},
	}
	var text, markdown strings.Builder
	if err := render(&text, rows, false); err != nil {
		t.Fatal(err)
	}
	if err := render(&markdown, rows, true); err != nil {
		t.Fatal(err)
	}
	want := `
| what | ours | reference | ratio | target | ok? | ours, peak RSS |
| --- | --- | --- | --- | --- | --- | --- |
| uploads | 2000/s | loop 4000/s | 0.50 | ratio ≥ 0.40 | yes |  |
| downloads | 1000/s | nginx 4000/s | 0.25 | ratio ≥ 0.40 | below target |  |
| alone | 3/s |  |  |  |  |  |
| start | could not be measured: no disk |  |  |  |  | 3.0 MiB |
`
	if diff := cmp.Diff(want, markdown.String()); diff != "" {
		t.Errorf("Markdown (-want +got):\n%s", diff)
	}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "downloads") && !strings.Contains(line, "0.25   ratio ≥ 0.40  below target") {
			t.Errorf("text: got %q", line)
		}
	}
}

func TestMedian(t *testing.T) {
	if got := median([]int{9, 1, 5}); got != 5 {
		t.Errorf("got %d; want 5", got)
	}
	if got := median[int](nil); got != 0 {
		t.Errorf("of nothing: got %d; want 0", got)
	}
}
