package auth

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"homeserver/internal/platform/sqldb"
)

const dashboardPreference = "/api/v1/preferences/dashboard"

func document(v any) map[string]any {
	return map[string]any{"document": map[string]any{"charts": v}}
}

// TestPreferencesAreOnesOwn: what a person arranges is there in every browser of theirs, and in
// nobody else's.
func TestPreferencesAreOnesOwn(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		d.add("bob", "guest")
		ada, bob := d.signIn("ada"), d.signIn("bob")
		got := ada.expect("GET", dashboardPreference, nil, 200)
		if strings.TrimSpace(got.body) != `{"document":null,"etag":"\"r0\""}` || got.header.Get("ETag") != `"r0"` || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("nothing yet: got %s, %v", got.body, got.header)
		}
		if got := ada.expect("PUT", dashboardPreference, document([]int{1, 2}), 200); got.header.Get("ETag") != `"r1"` {
			t.Errorf("got %v", got.header)
		}
		got = d.signIn("ada").expect("GET", dashboardPreference, nil, 200)
		if strings.TrimSpace(got.body) != `{"document":{"charts":[1,2]},"etag":"\"r1\""}` || got.header.Get("ETag") != `"r1"` {
			t.Errorf("another browser: got %s, %v", got.body, got.header)
		}
		for _, path := range []string{dashboardPreference, "/api/v1/preferences/other"} {
			who := bob
			if path != dashboardPreference {
				who = ada
			}
			if got := who.expect("GET", path, nil, 200); !strings.Contains(got.body, "null") {
				t.Errorf("got %s of somebody else, or of another page", got.body)
			}
		}
		bob.expect("PUT", dashboardPreference, document("bob's"), 200)
		if got := ada.expect("GET", dashboardPreference, nil, 200); !strings.Contains(got.body, "[1,2]") {
			t.Errorf("got %s", got.body)
		}
		d.visitor().expect("GET", dashboardPreference, nil, 401)
	})
}

// TestPreferencesOfTheHousehold: where nobody is asked there is one arrangement for all.
func TestPreferencesOfTheHousehold(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db, Config{Auth: "none"})
		d.visitor().expect("PUT", dashboardPreference, document("ours"), 200)
		if got := d.visitor().expect("GET", dashboardPreference, nil, 200); !strings.Contains(got.body, "ours") {
			t.Errorf("got %s", got.body)
		}
	})
}

func TestPreferencesAreNotUndoneUnseen(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		first, second := d.signIn("ada"), d.signIn("ada")
		first.headers["If-Match"], second.headers["If-Match"] = `"r0"`, `"r0"`
		first.expect("PUT", dashboardPreference, document("first"), 200)
		if got := second.expect("PUT", dashboardPreference, document("second"), 412); !strings.Contains(got.body, "urn:homeserver:changed") {
			t.Errorf("got %s", got.body)
		}
		second.headers["If-Match"] = `"r1"`
		second.expect("PUT", dashboardPreference, document("second"), 200)
		if got := first.expect("GET", dashboardPreference, nil, 200); !strings.Contains(got.body, "second") {
			t.Errorf("got %s", got.body)
		}
		// Of many who have seen the same, one is the first.
		var won atomic.Int32
		var group sync.WaitGroup
		for i := range 8 {
			one := d.signIn("ada", "If-Match", `"r2"`)
			group.Go(func() {
				if one.do("PUT", dashboardPreference, document(i)).status == 200 {
					won.Add(1)
				}
			})
		}
		group.Wait()
		if won.Load() != 1 {
			t.Errorf("%d have won, want 1", won.Load())
		}
	})
}

func TestPreferencesHaveLimits(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		ada := d.signIn("ada")
		ada.expect("PUT", dashboardPreference, document(strings.Repeat("x", maxPreference)), 413)
		ada.expect("PUT", dashboardPreference, map[string]any{"document": "no object"}, 422)
		ada.expect("PUT", dashboardPreference, map[string]any{"document": nil}, 422)
		for _, name := range []string{"A", "a.b", "a%2Fb", strings.Repeat("a", 41)} {
			ada.expect("PUT", "/api/v1/preferences/"+name, document(1), 422)
		}
		for i := range maxPreferences {
			ada.expect("PUT", fmt.Sprintf("/api/v1/preferences/page%d", i), document(1), 200)
		}
		ada.expect("PUT", dashboardPreference, document(1), 409)
		ada.expect("PUT", "/api/v1/preferences/page7", document(2), 200)
	})
}

// TestPreferencesHaveLimitsTogether: browsers that each see the last place do not both take it.
func TestPreferencesHaveLimitsTogether(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		ada, other := d.signIn("ada"), d.signIn("ada")
		for i := range maxPreferences - 1 {
			ada.expect("PUT", fmt.Sprintf("/api/v1/preferences/page%d", i), document(1), 200)
		}
		owner, err := d.store.userByName(t.Context(), d.store.db, "ada")
		if err != nil {
			t.Fatal(err)
		}
		answer := make(chan int, 1)
		err = d.store.db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			if err := lockPreferences(t.Context(), tx, owner.ID); err != nil {
				return err
			}
			if _, err := putPreference(t.Context(), tx, owner.ID, "last", "{}", 0, 1); err != nil {
				return err
			}
			go func() { answer <- other.do("PUT", "/api/v1/preferences/also-last", document(1)).status }()
			return d.waits(tx, answer)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-answer; got != 409 {
			t.Errorf("got %d for one more than there may be, want 409", got)
		}
	})
}

// waits returns once something waits for an advisory lock, or has an answer. On SQLite whoever
// wants to write waits for whoever writes, which needs no waiting here.
func (d *door) waits(tx *sqldb.Tx, answer chan int) error {
	for tx.Dialect() == sqldb.Postgres && len(answer) == 0 {
		var waiting int
		if err := tx.QueryRow(d.t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`).Scan(&waiting); err != nil || waiting > 0 {
			return err
		}
	}
	return nil
}
