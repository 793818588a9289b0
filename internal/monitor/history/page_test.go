package history

import (
	"encoding/binary"
	"hash/crc32"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// FuzzPage: what was packed comes back; what was not is an error, never a panic, not even where the checksum is right.
func FuzzPage(f *testing.F) {
	var p packer
	f.Add([]byte{1, 2, 3, 0, 0, 9}, int64(7))
	f.Add(packV1([]int64{1, gap, 3}), int64(0))
	f.Add(p.pack([]int64{1, gap, 3}), int64(0))
	f.Add(p.pack([]int64{gap, gap, gap}), int64(-1))
	f.Add(p.pack([]int64{6, gap, 3}, []int64{1, gap, 3}, []int64{5, gap, 3}, []int64{2, gap, 1}), int64(1))
	f.Fuzz(func(t *testing.T, data []byte, seed int64) {
		sealed := binary.LittleEndian.AppendUint32(data[:len(data):len(data)], crc32.Checksum(data, checksums))
		for _, page := range [][]byte{data, sealed} {
			_, _ = p.unpack(page, 1, 3)
			_, _ = p.unpack(page, columns, 3)
		}
		_, _ = decodeTicks(data, map[int64]int{1: 0})
		random := rand.New(rand.NewPCG(uint64(seed), uint64(len(data))))
		page := make([][]int64, []int{1, columns}[random.IntN(2)])
		slots, most := 1+random.IntN(2000), int64(1)<<random.IntN(63)
		for c := range page {
			page[c] = gaps(slots)
		}
		for i := range slots {
			if random.IntN(4) == 0 {
				continue
			}
			for c := range page {
				page[c][i] = random.Int64N(2*most-1) - most + 1
			}
		}
		mustComeBack(t, page)
	})
}

// mustComeBack packs a page and unpacks it.
func mustComeBack(t *testing.T, page [][]int64) (packed []byte) {
	t.Helper()
	var p packer
	packed = p.pack(page...)
	back, err := p.unpack(packed, len(page), len(page[0]))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, page) {
		t.Fatalf("got another page than\n%v, unpacked\n%v", page, back)
	}
	return packed
}

// TestPackedPages: kinds of figures come back from their pages, and cost what they say that is new, and not much more.
func TestPackedPages(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	noise := 4.0
	for _, kind := range []struct {
		name string
		most float64 // bytes of a sample, header and checksum included
		at   func(i int) int64
	}{
		{"still", 0.012, func(int) int64 { return 1 << 40 }},
		{"rising by the same", 0.02, func(i int) int64 { return int64(i) * 4096 }},
		{"a counter that moves now and then", 0.25, func(i int) int64 { return int64(i/50) * 4096 }},
		// Its entropy is log2(4 * sqrt(2*pi*e)) = 4.05 bits, or 0.51 bytes.
		{"noise", 0.54, func(int) int64 { return int64(math.Round(noise * random.NormFloat64())) }},
		{"noise of a coarse sensor", 0.54, func(int) int64 { return 500 * int64(math.Round(noise*random.NormFloat64())) }},
		// The entropy of one in 40 is 0.17 bits, and that of a millionth 20: 0.084 bytes, once it is learned.
		{"idle but for bursts", 0.115, func(int) int64 {
			if random.IntN(40) > 0 {
				return 0
			}
			return random.Int64N(1 << 20)
		}},
		{"nothing", 0.01, func(int) int64 { return gap }},
		{"extremes", 9, func(i int) int64 { return []int64{math.MaxInt64, -math.MaxInt64}[i%2] }},
	} {
		page := [][]int64{gaps(int(samplesPerHour))}
		for i := range page[0] {
			page[0][i] = kind.at(i)
		}
		packed := mustComeBack(t, page)
		if got := float64(len(packed)) / float64(samplesPerHour); got > kind.most {
			t.Errorf("%s: got %.3f bytes a sample, want at most %.3f", kind.name, got, kind.most)
		}
		if page[0][0] == math.MaxInt64 {
			continue // too large to add up
		}
		mustComeBack(t, rollUp(page, int(samplesPerMinute)))
	}
}

// TestDamagedPage: no single bit of a page can be wrong unseen.
func TestDamagedPage(t *testing.T) {
	var p packer
	whole := p.pack([]int64{4, gap, 6, 7, 100}, []int64{1, gap, 3, 7, 2}, []int64{3, gap, 3, 7, 98}, []int64{2, gap, 2, 1, 2})
	if err := p.check(whole, columns, 5); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for bit := range 8 {
			whole[i] ^= 1 << bit
			if _, err := p.unpack(whole, columns, 5); err == nil || p.check(whole, columns, 5) == nil {
				t.Errorf("byte %d, bit %d: the damage is not seen", i, bit)
			}
			whole[i] ^= 1 << bit
		}
		if _, err := p.unpack(whole[:i], columns, 5); err == nil {
			t.Errorf("cut after %d bytes: the damage is not seen", i)
		}
	}
	for _, wrong := range []struct{ columns, slots int }{{1, 5}, {columns, 4}, {columns, 6}} {
		if _, err := p.unpack(whole, wrong.columns, wrong.slots); err == nil {
			t.Errorf("a page of 4 columns of 5 slots passes for %+v", wrong)
		}
	}
}

// packV1 packs columns as format version 1 says.
func packV1(columns ...[]int64) []byte {
	var body []byte
	for _, column := range columns {
		for i, present := 0, true; i < len(column); present = !present {
			n := i
			for n < len(column) && (column[n] != gap) == present {
				n++
			}
			body = binary.AppendUvarint(body, uint64(n-i))
			i = n
		}
		var before int64
		for _, v := range column {
			if v != gap {
				body = binary.AppendVarint(body, v-before)
				before = v
			}
		}
	}
	page := binary.AppendUvarint([]byte{formatV1, byte(len(columns))}, uint64(len(columns[0])))
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return enc.EncodeAll(body, page)
}

// TestPagesOfTheFirstFormat: a file whose pages are of format 1 is read, verified as it is, and goes on.
func TestPagesOfTheFirstFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	began := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	h := open(t, path)
	cpu, err := h.Series(t.Context(), "cpu", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	fill := func(h *History, from time.Time, n int) {
		t.Helper()
		for i := range n {
			if err := h.Append(t.Context(), from.Add(time.Duration(i)*sampleStep), []Sample{{cpu, float64(i % 37)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(h, began, 2*int(samplesPerHour)+1)
	ask := Range{From: began, To: began.Add(2 * time.Hour), Points: 10_000}
	want, err := h.Query(t.Context(), ask, "cpu")
	if err != nil {
		t.Fatal(err)
	}
	toFirstFormat(t, h)
	h.Close()

	check := func() {
		t.Helper()
		report, err := Verify(t.Context(), Config{URL: "sqlite:" + path}, slog.New(slog.DiscardHandler), nil)
		if err != nil || !report.OK() || report.Samples < 2*samplesPerHour {
			t.Fatalf("verified: got %+v, %v", report, err)
		}
	}
	check()
	h = open(t, path)
	defer h.Close()
	got, err := h.Query(t.Context(), ask, "cpu")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got another answer from pages of the first format: %v", err)
	}
	fill(h, began.Add(2*time.Hour), int(samplesPerHour)+1)
	if got, err = h.Query(t.Context(), ask, "cpu"); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got another answer after more was remembered: %v", err)
	}
	check()
}

// toFirstFormat writes a file's pages as the first format has them.
func toFirstFormat(t *testing.T, h *History) {
	t.Helper()
	pages, err := h.pageNumbers(t.Context())
	if err != nil || len(pages) < 4 {
		t.Fatalf("got %d pages, %v", len(pages), err)
	}
	for _, p := range pages {
		page, err := h.readPage(t.Context(), h.db, p.tier, p.series, p.number)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.db.Exec(t.Context(), `UPDATE pages SET page = $1 WHERE id = $2`, packV1(page...), pageID(p.tier, p.series, p.number)); err != nil {
			t.Fatal(err)
		}
	}
	h.mustExec(t, `UPDATE format SET version = 1`)
}

// BenchmarkPage packs and unpacks an hour of noise, and a day of its minutes.
func BenchmarkPage(b *testing.B) {
	random := rand.New(rand.NewPCG(3, 4))
	day := [][]int64{gaps(int(24 * samplesPerHour))}
	for i := range day[0] {
		day[0][i] = int64(math.Round(500 + 50*random.NormFloat64()))
	}
	var p packer
	for name, page := range map[string][][]int64{"samples": {day[0][:samplesPerHour]}, "minutes": rollUp(day, int(samplesPerMinute))} {
		b.Run("pack "+name, func(b *testing.B) {
			for b.Loop() {
				p.pack(page...)
			}
		})
		packed := p.pack(page...)
		b.Run("unpack "+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.unpack(packed, len(page), len(page[0])); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
