package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// gap stands for a time without a value.
const gap = math.MinInt64

// formatVersion is the first byte of every page; another one is not read.
const formatVersion = 1

// maxPage bounds a page's unpacked size, in bytes: 1,440 minutes of four columns of ten bytes.
const maxPage = 1 << 17

// A page, format version 1, is the byte 1, the number of columns (one byte), the number of slots
// (uvarint) and then, compressed with zstd (RFC 8878), the columns one after the other. A
// column is the runs of present and absent values, in turn, as uvarints, present first; then the
// present values, each as the zigzag varint of its difference from the one before. What is not
// random becomes long rows of equal small bytes, which zstd packs well.

var errPage = errors.New("history: a page is damaged")

// packer keeps the zstd state that is worth keeping; both are safe for concurrent use.
type packer struct {
	once sync.Once
	enc  *zstd.Encoder
	dec  *zstd.Decoder
}

func (p *packer) init() {
	p.once.Do(func() {
		var err error
		// One at a time and a small window: pages are small, and so shall the memory be.
		if p.enc, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxPage), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true)); err != nil {
			panic("history: constant zstd options are not valid: " + err.Error())
		}
		if p.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage), zstd.WithDecoderLowmem(true)); err != nil {
			panic("history: constant zstd options are not valid: " + err.Error())
		}
	})
}

// pack encodes columns of equal length.
func (p *packer) pack(columns ...[]int64) []byte {
	p.init()
	var body []byte
	for _, column := range columns {
		body = appendColumn(body, column)
	}
	page := []byte{formatVersion, byte(len(columns))}
	page = binary.AppendUvarint(page, uint64(len(columns[0])))
	return p.enc.EncodeAll(body, page)
}

func appendColumn(b []byte, column []int64) []byte {
	for i, present := 0, true; i < len(column); present = !present {
		n := i
		for n < len(column) && (column[n] != gap) == present {
			n++
		}
		b = binary.AppendUvarint(b, uint64(n-i))
		i = n
	}
	var before int64
	for _, v := range column {
		if v != gap {
			b = binary.AppendVarint(b, v-before)
			before = v
		}
	}
	return b
}

// unpack decodes a page that must have so many columns of so many slots.
func (p *packer) unpack(page []byte, columns, slots int) ([][]int64, error) {
	p.init()
	if len(page) < 3 || page[0] != formatVersion {
		return nil, fmt.Errorf("%w: it is not of format version %d", errPage, formatVersion)
	}
	n, used := binary.Uvarint(page[2:])
	if used <= 0 || int(page[1]) != columns || n != uint64(slots) {
		return nil, fmt.Errorf("%w: it is not of %d columns and %d slots", errPage, columns, slots)
	}
	body, err := p.dec.DecodeAll(page[2+used:], nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPage, err)
	}
	all := make([][]int64, columns)
	for i := range all {
		if all[i], body, err = takeColumn(body, slots); err != nil {
			return nil, err
		}
	}
	if len(body) > 0 {
		return nil, fmt.Errorf("%w: it is too long", errPage)
	}
	return all, nil
}

func takeColumn(b []byte, slots int) (column []int64, rest []byte, err error) {
	column = gaps(slots)
	for i, present := 0, true; i < slots; present = !present {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(slots-i) || n == 0 && i > 0 {
			return nil, nil, fmt.Errorf("%w: its runs are wrong", errPage)
		}
		b = b[used:]
		for range n {
			if present {
				column[i] = 0
			}
			i++
		}
	}
	var before int64
	for i := range column {
		if column[i] == gap {
			continue
		}
		delta, used := binary.Varint(b)
		if used <= 0 {
			return nil, nil, fmt.Errorf("%w: it is too short", errPage)
		}
		b = b[used:]
		if before += delta; before == gap {
			return nil, nil, fmt.Errorf("%w: a value is out of range", errPage)
		}
		column[i] = before
	}
	return column, b, nil
}

// gaps makes a column without values.
func gaps(n int) []int64 {
	column := make([]int64, n)
	for i := range column {
		column[i] = gap
	}
	return column
}
