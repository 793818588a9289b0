package files

import (
	"fmt"
	"strings"
	"testing"

	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// TestPlans: whoever asks, the database walks an index in the list's order and sorts nothing.
func TestPlans(t *testing.T) {
	h := furnish(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), t.TempDir()+"/storage", nil)
	for name, v := range map[string]view{"administrator": {all: true}, "member": {own: "someone"}, "guest": {}} {
		for _, sort := range []sortKey{byDate, byName, bySize} {
			for _, tag := range []string{"", "t"} {
				sel := selection{listQuery: listQuery{tag: tag, sort: sort, descending: sort != byName, limit: 100, view: v}, total: 1, audiences: v.filter()}
				if v.all {
					sel.audiences = []string{household, "someone"}
				}
				if tag != "" && sort == byDate {
					sel.plan = walkTag
				}
				query, args := h.store.query(sel, &position{id: "x", text: "x"}, 100)
				plan := explain(t, h.store.db, query, args)
				if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") {
					t.Errorf("%s, sort %c, tag %q:\n%s\n%s", name, sort, tag, query, plan)
				}
				if uses := strings.Contains(plan, "audience"); uses == (v.all && sel.plan == walkTag) {
					t.Errorf("%s, sort %c, tag %q: uses an index by audience %v:\n%s", name, sort, tag, uses, plan)
				}
			}
		}
	}
}

// TestEntriesPlans: a folder is listed along an index that holds all that the order needs.
func TestEntriesPlans(t *testing.T) {
	h := furnish(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), t.TempDir()+"/storage", nil)
	for sort, want := range map[sortKey]string{byName: "COVERING INDEX file_metadata_folder ", byDate: "INDEX file_metadata_folder_date ", bySize: "COVERING INDEX file_metadata_folder "} {
		for _, after := range []*position{nil, {id: "x", text: "x"}} {
			e := entriesQuery{listQuery: listQuery{sort: sort, descending: sort != byName}, folder: rootFolder}
			query, args := h.store.filesInQuery(e, after, 100)
			plan := explain(t, h.store.db, query, args)
			inner, sorted := strings.Contains(plan, want), strings.Count(plan, "TEMP B-TREE")
			// The page itself is put in order once more; all of the folder only by size.
			if !inner || strings.Contains(plan, "SCAN") || sorted > 2 || sorted > 1 && sort != bySize {
				t.Errorf("sort %c: sorted %d times:\n%s\n%s", sort, sorted, query, plan)
			}
		}
	}
}

// TestTrashPlans: the files of one thing in the trash are found in their order, however many there are.
func TestTrashPlans(t *testing.T) {
	h := furnish(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), t.TempDir()+"/storage", nil)
	plan := explain(t, h.store.db, filesInTrashText(1), []any{"trash", "after", destroyFiles})
	if !strings.Contains(plan, "INDEX file_metadata_trash (trash_id=? AND id>?)") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("got %s", plan)
	}
	plan = explain(t, h.store.db, folderDownText(2), []any{"a", "b"})
	if strings.Count(plan, "SEARCH") < 3 || strings.Contains(plan, "SCAN d") || strings.Contains(plan, "SCAN folders") || strings.Contains(plan, "folders_trash") {
		t.Errorf("got %s", plan)
	}
}

// explain is SQLite's plan of a query.
func explain(t *testing.T, db *sqldb.DB, query string, args []any) string {
	t.Helper()
	rows, err := db.Query(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
