package history

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// formatV1 is the first byte of a page of the first format, which is read and not written any more.
const formatV1 = 1

// maxPage bounds a page's unpacked size, in bytes: 1,440 minutes of four columns of ten bytes.
const maxPage = 1 << 17

// A page, format version 1, is the byte 1, the number of columns (one byte), the number of slots
// (uvarint) and then, compressed with zstd (RFC 8878), the columns one after the other. A
// column is the runs of present and absent values, in turn, as uvarints, present first; then the
// present values, each as the zigzag varint of its difference from the one before. What is not
// random becomes long rows of equal small bytes, which zstd packs well.

// unpackerV1 keeps the zstd state that is worth keeping. It is safe for concurrent use.
type unpackerV1 struct {
	once sync.Once
	zstd *zstd.Decoder
}

func (u *unpackerV1) init() {
	u.once.Do(func() {
		var err error
		if u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage), zstd.WithDecoderLowmem(true)); err != nil {
			panic("history: constant zstd options are not valid: " + err.Error())
		}
	})
}

// unpack decodes a page that must have so many columns of so many slots.
func (u *unpackerV1) unpack(page []byte, columns, slots int) ([][]int64, error) {
	u.init()
	if len(page) < 3 || page[0] != formatV1 {
		return nil, fmt.Errorf("%w: it is too short", errPage)
	}
	n, used := binary.Uvarint(page[2:])
	if used <= 0 || int(page[1]) != columns || n != uint64(slots) {
		return nil, fmt.Errorf("%w: it is not of %d columns and %d slots", errPage, columns, slots)
	}
	body, err := u.zstd.DecodeAll(page[2+used:], nil)
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
	for i, v := range all[0] {
		for _, column := range all {
			if (column[i] == gap) != (v == gap) {
				return nil, fmt.Errorf("%w: its columns do not have values in the same slots", errPage)
			}
		}
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
