package files

import "testing"

// TestUsageInAnyOrder: of two who have committed, the later one may tell of it first.
func TestUsageInAnyOrder(t *testing.T) {
	var u usage
	u.set(countsBy{household: {1, 10}, "ada": {5, 50}}, 7)
	u.set(countsBy{household: {3, 30}}, 9)
	u.set(countsBy{household: {2, 20}, "ada": {4, 40}}, 8)
	if want := (counts{7, 70}); u.total != want {
		t.Errorf("got %+v, want %+v", u.total, want)
	}
}
