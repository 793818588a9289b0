package history

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"

	"github.com/klauspost/compress/zstd"

	"homeserver/internal/platform/sqldb"
)

// A saved history is a number of pieces, each a file. The first, aboutPiece, holds all but the
// pages: lines of JSON, compressed with zstd. Each of the others holds the pages of one tier and
// one stretch of time: pieceMark, the tier and the first page number as varints, and then of each
// page its number and its series as varints, its length as a uvarint, and the page as it is
// (page.go). What is long past is never written again, so its piece is the same in every backup,
// and is kept once.

const (
	aboutPiece = "about"
	// pieceMark is at the start of each piece of pages; it ends with the version of the format.
	pieceMark = "homeserver history pages 1\n"
	// longestRest bounds the pause after a piece.
	longestRest = 2 * time.Second
)

// piecePages is how many page numbers of a tier make a piece: a day of samples, a week of
// minutes, thirty days of hours. With 200 series that is 9, 7 and 1 MB.
func (t tier) piecePages() int64 { return [tiers]int64{24, 7, 1}[t] }

// Piece is one piece of a history to save.
type Piece struct {
	Name string
	// Write writes it. It may be called several times, and writes the same each time.
	Write func(w io.Writer) error
}

// Saved is what Save did.
type Saved struct {
	Damaged int // pages that cannot be read: they are gaps in charts, and left out
}

// Save hands the history as it is at one moment, piece by piece, to put. It may run beside a
// server, also one of another process, and keeps nobody from writing. Every page is tried. After
// each piece it rests for as long as that took, so that the disk has time for others.
func Save(ctx context.Context, config Config, log *slog.Logger, put func(Piece) error) (Saved, error) {
	db, err := config.open(ctx, log)
	if err != nil {
		return Saved{}, err
	}
	defer db.Close()
	h := &History{config: config, db: db, log: log, byKey: map[string]int{}, hour: noHour, open: map[int][]int64{}}
	s := saving{h: h, damaged: map[int64]bool{}}
	err = db.View(ctx, func(q sqldb.Querier) error { return s.run(ctx, q, put) })
	return Saved{Damaged: len(s.damaged)}, config.broken(err)
}

// saving is one run of Save.
type saving struct {
	h       *History
	damaged map[int64]bool // rows
}

func (s *saving) run(ctx context.Context, q sqldb.Querier, put func(Piece) error) error {
	if err := checkVersion(ctx, q); err != nil {
		return err
	}
	if err := put(Piece{aboutPiece, func(w io.Writer) error { return writeAbout(ctx, q, w) }}); err != nil {
		return err
	}
	stretches, err := stretchesOf(ctx, q)
	if err != nil {
		return err
	}
	for _, st := range stretches {
		began := time.Now()
		if err := put(Piece{st.name(), func(w io.Writer) error { return s.writePages(ctx, q, st, w) }}); err != nil {
			return err
		}
		if err := rest(ctx, min(time.Since(began), longestRest)); err != nil {
			return err
		}
	}
	return nil
}

// stretch is the pages of a tier from a number until before another.
type stretch struct {
	tier        tier
	first, next int64
}

// name tells people which it is.
func (st stretch) name() string {
	at := time.UnixMilli(st.first * st.tier.slots() * st.tier.step().Milliseconds()).UTC()
	return st.tier.String() + "-" + at.Format(time.DateOnly)
}

// writePages writes a piece of pages.
func (s *saving) writePages(ctx context.Context, q sqldb.Querier, st stretch, out io.Writer) error {
	w := bufio.NewWriterSize(out, 64<<10)
	head := binary.AppendVarint([]byte(pieceMark), int64(st.tier))
	if _, err := w.Write(binary.AppendVarint(head, st.first)); err != nil {
		return err
	}
	err := eachPage(ctx, q, st, func(id, number int64, page []byte) error {
		series := seriesOf(id)
		if s.damaged[id] {
			return nil
		}
		if err := s.h.pages.check(page, st.tier.columns(), int(st.tier.slots())); err != nil || id != pageID(st.tier, series, number) {
			s.damaged[id] = true
			s.h.log.Warn("a page of the history is damaged and is not in the backup", "tier", st.tier, "series", series, "number", number, "error", err)
			return nil
		}
		line := binary.AppendVarint(nil, number)
		line = binary.AppendVarint(line, series)
		line = binary.AppendUvarint(line, uint64(len(page)))
		if _, err := w.Write(line); err != nil {
			return err
		}
		_, err := w.Write(page)
		return err
	})
	return errors.Join(err, w.Flush())
}

// readPages reads what writePages wrote.
func readPages(in io.Reader, fn func(t tier, series, number int64, page []byte) error) error {
	r := bufio.NewReaderSize(in, 64<<10)
	mark := make([]byte, len(pieceMark))
	if _, err := io.ReadFull(r, mark); err != nil || string(mark) != pieceMark {
		return ErrPiece
	}
	t, err := binary.ReadVarint(r)
	if err != nil || t < 0 || t >= int64(tiers) {
		return ErrPiece
	}
	if _, err := binary.ReadVarint(r); err != nil {
		return ErrPiece
	}
	for {
		number, err := binary.ReadVarint(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		series, errSeries := binary.ReadVarint(r)
		size, errSize := binary.ReadUvarint(r)
		if errors.Join(err, errSeries, errSize) != nil || size > math.MaxUint16+maxPage {
			return ErrPiece
		}
		page := make([]byte, size)
		if _, err := io.ReadFull(r, page); err != nil {
			return ErrPiece
		}
		if err := fn(tier(t), series, number, page); err != nil {
			return err
		}
	}
}

// ErrPiece says that a piece of a saved history cannot be used.
var ErrPiece = errors.New("history: a piece of a saved history is not as it should be")

// about is a line of the first piece: one of its fields.
type about struct {
	Version int          `json:"version,omitempty"`
	Series  *aboutSeries `json:"series,omitempty"`
	Tail    []byte       `json:"tail,omitempty"`
	Event   *Event       `json:"event,omitempty"`
	Frozen  *aboutFrozen `json:"frozen,omitempty"`
}

type aboutSeries struct {
	ID    int64   `json:"id"`
	Key   string  `json:"key"`
	Title string  `json:"title"`
	Scale float64 `json:"scale"`
}

type aboutFrozen struct {
	At   int64  `json:"at"` // ms since 1970
	List []byte `json:"list"`
}

// writeAbout writes the first piece.
func writeAbout(ctx context.Context, q sqldb.Querier, out io.Writer) error {
	w, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	lines := json.NewEncoder(w)
	err = lines.Encode(about{Version: schemaVersion})
	if err == nil {
		err = eachAbout(ctx, q, func(a about) error { return lines.Encode(a) })
	}
	return errors.Join(err, w.Close())
}

// readAbout reads what writeAbout wrote.
func readAbout(in io.Reader, fn func(about) error) error {
	r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	defer r.Close()
	lines, version := json.NewDecoder(r), 0
	for {
		var a about
		err := lines.Decode(&a)
		switch {
		case errors.Is(err, io.EOF) && version > 0:
			return nil
		case err != nil:
			return errors.Join(ErrPiece, err)
		case version == 0 && a.Version > schemaVersion:
			return fmt.Errorf("%w: it is of format %d, this program knows %d", ErrPiece, a.Version, schemaVersion)
		case version == 0 && a.Version == 0:
			return ErrPiece
		case version == 0:
			version = a.Version
			continue
		}
		if err := fn(a); err != nil {
			return err
		}
	}
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
