package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// gap stands for a time without a value.
const gap = math.MinInt64

// formatVersion is the first byte of every page that is written; those of version 1 are read, too.
const formatVersion = 2

var errPage = errors.New("history: a page is damaged")

// checksums finds damage: CRC-32C (RFC 3720, section 12.1).
var checksums = crc32.MakeTable(crc32.Castagnoli)

// A page, format version 2, is
//
//	the byte 2, the number of slots (uvarint),
//	the unit (uvarint), which all values but counts are multiples of,
//	the layout (one byte) and the follower of each column (one byte each), with which sheet.go tells the columns,
//	what sheet.code writes, range-coded (rangecoder.go), and
//	the CRC-32C of all before it, little endian.
//
// All columns have values in the same slots. A value costs what it differs from what the values before
// foretell: nothing where all is still, and about its noise where not.

// packer packs and unpacks pages. It is safe for concurrent use.
type packer struct{ old unpackerV1 }

// pack encodes columns of equal length, with values in the same slots: one of samples, or all of summaries.
func (p *packer) pack(columns ...[]int64) []byte {
	s := sheet{columns: columns, unit: unitOf(columns)}
	s.choose()
	page := binary.AppendUvarint([]byte{formatVersion}, uint64(len(columns[0])))
	page = binary.AppendUvarint(page, uint64(s.unit))
	page = append(page, s.layout)
	page = append(page, s.follow[:len(columns)]...)
	c := encodeTo(page)
	_ = s.code(c) // what is written is never wrong
	page = c.end()
	return binary.LittleEndian.AppendUint32(page, crc32.Checksum(page, checksums))
}

// unpack decodes a page that must have so many columns of so many slots.
func (p *packer) unpack(page []byte, columns, slots int) ([][]int64, error) {
	if isV1(page) {
		return p.old.unpack(page, columns, slots)
	}
	s, told, err := opened(page, columns, slots)
	if err != nil {
		return nil, err
	}
	for i := range s.columns {
		s.columns[i] = make([]int64, slots)
	}
	return s.columns, s.code(decodeFrom(told))
}

// check says what unpack would say, by the checksum where there is one, which takes a thousandth of the time.
func (p *packer) check(page []byte, columns, slots int) error {
	if isV1(page) {
		_, err := p.old.unpack(page, columns, slots)
		return err
	}
	_, _, err := opened(page, columns, slots)
	return err
}

func isV1(page []byte) bool { return len(page) > 0 && page[0] == formatV1 }

// opened reads a page up to what its columns are told by, which it returns.
func opened(page []byte, columns, slots int) (s *sheet, told []byte, err error) {
	body := len(page) - crc32.Size
	if body < 1 || page[0] != formatVersion {
		return nil, nil, fmt.Errorf("%w: it is of no format that is known here", errPage)
	}
	if crc32.Checksum(page[:body], checksums) != binary.LittleEndian.Uint32(page[body:]) {
		return nil, nil, fmt.Errorf("%w: its checksum is wrong", errPage)
	}
	r := reader{b: page[1:body]}
	n, unit := r.uvarint(), r.uvarint()
	if n != uint64(slots) || unit == 0 || unit > math.MaxInt64 || len(r.b) < 1+columns {
		return nil, nil, fmt.Errorf("%w: it is not of %d slots", errPage, slots)
	}
	s = &sheet{unit: int64(unit), layout: r.b[0], columns: make([][]int64, columns)}
	copy(s.follow[:], r.b[1:1+columns])
	if !s.valid() {
		return nil, nil, fmt.Errorf("%w: it is not of %d columns, or laid out in an unknown way", errPage, columns)
	}
	return s, r.b[1+columns:], nil
}

// gaps makes a column without values.
func gaps(n int) []int64 {
	column := make([]int64, n)
	for i := range column {
		column[i] = gap
	}
	return column
}
