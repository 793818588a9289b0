package history

import (
	"context"
	"encoding/binary"
	"slices"

	"homeserver/internal/platform/sqldb"
)

// schemaVersion is the file's format: 2 since its pages are of the second format; a file of format 1, whose
// pages are of the first, becomes one. A later one is set aside by people, never overwritten.
const schemaVersion = 2

// load makes the tables, reads the series, and takes the tail in.
func (h *History) load(ctx context.Context) error {
	if _, err := h.db.Exec(ctx, `CREATE TABLE IF NOT EXISTS format (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)`); err != nil {
		return err
	}
	if _, err := h.db.Exec(ctx, `INSERT INTO format (one, version) VALUES (1, $1) ON CONFLICT (one) DO NOTHING`, schemaVersion); err != nil {
		return err
	}
	if err := checkVersion(ctx, h.db); err != nil { // before anything of a later format is touched
		return err
	}
	if _, err := h.db.Exec(ctx, `UPDATE format SET version = $1 WHERE version < $1`, schemaVersion); err != nil {
		return err
	}
	for _, statement := range []string{
		`CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, title TEXT NOT NULL, scale REAL NOT NULL)`,
		// A table with a rowid keeps a page of up to 4 kB in one leaf; without one it would spill
		// into a page of its own from 1 kB on.
		`CREATE TABLE IF NOT EXISTS pages (id INTEGER PRIMARY KEY, tier INTEGER NOT NULL, number INTEGER NOT NULL, page BLOB NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS pages_by_age ON pages (tier, number)`,
		`CREATE TABLE IF NOT EXISTS tail (id INTEGER PRIMARY KEY, ticks BLOB NOT NULL)`,
		createEvents, eventsByTime, createFrozen,
	} {
		if _, err := h.db.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := h.addTitles(ctx); err != nil {
		return err
	}
	if err := h.loadSeries(ctx); err != nil {
		return err
	}
	return h.loadTail(ctx)
}

// loadTail takes in what was written since the last hour was put away.
func (h *History) loadTail(ctx context.Context) error {
	blobs, err := h.tailBlobs(ctx)
	if err != nil {
		return err
	}
	byID := h.byID()
	for _, blob := range blobs {
		ticks, err := decodeTicks(blob, byID)
		if err != nil {
			h.log.Warn("some seconds of the history cannot be read", "error", err)
		}
		for _, t := range ticks {
			if err := h.moveTo(ctx, floorDiv(t.slot, samplesPerHour)); err != nil {
				return err
			}
			h.put(t)
		}
	}
	return nil
}

// tailBlobs is the tail as it is written.
func (h *History) tailBlobs(ctx context.Context) (blobs [][]byte, err error) {
	rows, err := h.db.Query(ctx, `SELECT ticks FROM tail ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var blob []byte
		if err := rows.Scan(&blob); err != nil {
			return nil, err
		}
		blobs = append(blobs, blob)
	}
	return blobs, rows.Err()
}

// Flush makes durable what came since the last one. The tail holds the open hour only: what waits
// for an earlier one to be put away stays in memory.
func (h *History) Flush(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var now, later []tick
	for _, t := range h.fresh {
		if h.isOpen(t) {
			now = append(now, t)
		} else {
			later = append(later, t)
		}
	}
	if len(now) == 0 {
		return nil
	}
	if _, err := h.db.Exec(ctx, `INSERT INTO tail (ticks) VALUES ($1)`, h.encodeTicks(now)); err != nil {
		return err
	}
	h.fresh = later
	return nil
}

// putAway writes the open hour's pages and what follows from them, and empties the tail.
func (h *History) putAway(ctx context.Context) error {
	err := h.db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, i := range h.openSeries() {
			id, page := h.series[i].id, [][]int64{h.open[i]}
			if err := h.writePage(ctx, tx, samples, id, h.hour, page); err != nil {
				return err
			}
			ofHour := rollUp(page, int(samplesPerMinute))
			if err := h.merge(ctx, tx, minutes, id, h.hour*minutesPerHour, ofHour); err != nil {
				return err
			}
			if err := h.merge(ctx, tx, hours, id, h.hour, rollUp(ofHour, minutesPerHour)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `DELETE FROM tail`)
		return err
	})
	if err == nil {
		h.fresh = slices.DeleteFunc(h.fresh, h.isOpen)
	}
	return err
}

func (h *History) openSeries() []int {
	list := make([]int, 0, len(h.open))
	for i := range h.open {
		list = append(list, i)
	}
	slices.Sort(list)
	return list
}

// merge writes slots from a slot on into the page that holds them.
func (h *History) merge(ctx context.Context, tx *sqldb.Tx, t tier, id, from int64, slots [][]int64) error {
	number := floorDiv(from, t.slots())
	page, err := h.readPage(ctx, tx, t, id, number)
	if err != nil {
		return err
	}
	at := from - number*t.slots()
	for c := range slots {
		copy(page[c][at:], slots[c])
	}
	return h.writePage(ctx, tx, t, id, number, page)
}

// reopen reads what is already there of an hour.
func (h *History) reopen(ctx context.Context, hour int64) (map[int][]int64, error) {
	rows, err := h.db.Query(ctx, `SELECT id, page FROM pages WHERE tier = $1 AND number = $2`, int(samples), hour)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	there, byID := map[int][]int64{}, h.byID()
	for rows.Next() {
		var id int64
		var blob []byte
		if err := rows.Scan(&id, &blob); err != nil {
			return nil, err
		}
		id = seriesOf(id)
		i, known := byID[id]
		if !known {
			continue
		}
		page, err := h.pages.unpack(blob, samples.columns(), int(samplesPerHour))
		if err != nil {
			h.log.Warn(damagedPage, "series", id, "error", err)
			continue
		}
		there[i] = page[0]
	}
	return there, rows.Err()
}

// damagedPage is for the log.
const damagedPage = "a page of the history is damaged and shows as a gap"

// readPage reads a page; one that is not there, or damaged, is all gaps.
func (h *History) readPage(ctx context.Context, q sqldb.Querier, t tier, id, number int64) ([][]int64, error) {
	blob, err := h.blob(ctx, q, pageNumber{t, id, number})
	if err != nil {
		return nil, err
	}
	if blob != nil {
		page, err := h.pages.unpack(blob, t.columns(), int(t.slots()))
		if err == nil {
			return page, nil
		}
		h.log.Warn(damagedPage, "series", id, "error", err)
	}
	page := make([][]int64, t.columns())
	for i := range page {
		page[i] = gaps(int(t.slots()))
	}
	return page, nil
}

func (h *History) writePage(ctx context.Context, tx *sqldb.Tx, t tier, id, number int64, page [][]int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO pages (id, tier, number, page) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET page = excluded.page`,
		pageID(t, id, number), int(t), number, h.pages.pack(page...))
	return err
}

// The parts of a page's row.
const (
	numberBits = 32 // hours until the year 491,936
	seriesBits = 26
)

// pageID is a page's row: its tier, series and number in one, so that the pages of a series lie
// side by side in the order of time.
func pageID(t tier, series, number int64) int64 {
	return (int64(t)<<seriesBits|series&(1<<seriesBits-1))<<numberBits + number&(1<<numberBits-1)
}

// seriesOf is the series of a page's row.
func seriesOf(pageID int64) int64 { return pageID >> numberBits & (1<<seriesBits - 1) }

// encodeTicks writes ticks for the tail: their number, then of each its slot, the number of its
// values, and series and value in turn.
func (h *History) encodeTicks(ticks []tick) []byte {
	b := binary.AppendUvarint(nil, uint64(len(ticks)))
	for _, t := range ticks {
		b = binary.AppendVarint(b, t.slot)
		b = binary.AppendUvarint(b, uint64(len(t.samples)))
		for i, s := range t.samples {
			b = binary.AppendVarint(b, h.series[s].id)
			b = binary.AppendVarint(b, t.values[i])
		}
	}
	return b
}

func decodeTicks(b []byte, byID map[int64]int) ([]tick, error) {
	r := reader{b: b}
	var ticks []tick
	for range r.uvarint() {
		t := tick{slot: r.varint()}
		for range r.uvarint() {
			id, v := r.varint(), r.varint()
			if i, ok := byID[id]; ok && !r.failed {
				t.samples, t.values = append(t.samples, i), append(t.values, v)
			}
			if r.failed {
				return ticks, errPage
			}
		}
		if r.failed {
			return ticks, errPage
		}
		ticks = append(ticks, t)
	}
	return ticks, nil
}

// reader takes numbers off a buffer.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) took(n int) {
	if n <= 0 {
		r.failed, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.took(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.took(n)
	return v
}
