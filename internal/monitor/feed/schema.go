package feed

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"homeserver/internal/monitor/metric"
)

// id names a series for comparing.
type id struct{ name, instance string }

func idOf(s metric.Series) id { return id{s.Metric.Name, s.Instance} }

// schema says which series the values of a row are of. It never changes.
type schema struct {
	version int64
	series  []metric.Series
	index   map[id]int
}

func newSchema(version int64, series []metric.Series) *schema {
	s := &schema{version: version, series: series, index: make(map[id]int, len(series))}
	for i, one := range series {
		s.index[idOf(one)] = i
	}
	return s
}

// Described is a series as the schema tells it.
type Described struct {
	Key      string      `json:"key" example:"disk_read_bytes_per_second{sda}" doc:"What /history calls it"`
	Metric   string      `json:"metric" example:"disk_read_bytes_per_second" doc:"Name of its metric"`
	Instance string      `json:"instance" example:"sda" doc:"Stable id; empty for the whole machine"`
	Title    string      `json:"title" example:"Samsung SSD 980" doc:"The instance for people"`
	Unit     metric.Unit `json:"unit" example:"bytes_per_second"`
	Scale    float64     `json:"scale" example:"1" doc:"How finely values are kept: 10 keeps tenths"`
}

// Schema is the schema as it is sent.
type Schema struct {
	Version    int64       `json:"version" example:"1" doc:"Grows with every change"`
	IntervalMS int64       `json:"interval_ms" example:"2000" doc:"Between two ticks; a longer one is a gap"`
	Series     []Described `json:"series" nullable:"false" doc:"What the values of a tick are of, in their order"`
}

// selection is the series that some listeners want, with what was encoded for them.
type selection struct {
	name  string          // its keys, joined; "" is all series
	wants map[string]bool // nil: all

	listeners int
	of        *schema // what columns refer to
	columns   []int
	version   int64
	head      []byte // the encoded Schema

	old        *schema // an earlier schema, of which ticks are still held
	oldColumns []int   // where the values of columns are in it; -1: nowhere
	newest     int64   // number of the row encoded last
	frame      []byte
}

// fit brings the selection to the schema of now.
func (s *selection) fit(now *schema, intervalMS int64) {
	if s.of == now {
		return
	}
	var columns []int
	described := []Described{}
	for i, one := range now.series {
		key := one.Key()
		if s.wants != nil && !s.wants[key] {
			continue
		}
		columns = append(columns, i)
		described = append(described, Described{key, one.Metric.Name, one.Instance, one.Title, one.Metric.Unit, one.Metric.Scale})
	}
	same := s.of != nil && slices.EqualFunc(columns, s.columns, func(a, b int) bool {
		x, y := now.series[a], s.of.series[b]
		return idOf(x) == idOf(y) && x.Title == y.Title
	})
	s.of, s.columns, s.old, s.oldColumns, s.frame = now, columns, nil, nil, nil
	if same {
		return
	}
	s.version = now.version
	s.head, _ = json.Marshal(Schema{now.version, intervalMS, described}) //nolint:errchkjson // strings and finite numbers
}

// encode is a row for this selection: [time, value, value, ...].
func (s *selection) encode(r *Row) []byte {
	switch {
	case s.wants == nil && r.encodedOf == s.of:
		return r.encoded
	case s.wants != nil && s.newest == r.number && s.frame != nil:
		return s.frame
	}
	frame := appendRow(make([]byte, 0, 16+8*len(s.columns)), r, s.columnsIn(r.schema))
	if s.wants == nil {
		r.encoded, r.encodedOf = frame, s.of
	} else if r.number >= s.newest {
		s.newest, s.frame = r.number, frame
	}
	return frame
}

// columnsIn is where the selection's values are in a row of a schema.
func (s *selection) columnsIn(of *schema) []int {
	if of == s.of {
		return s.columns
	}
	if of == s.old {
		return s.oldColumns
	}
	s.old, s.oldColumns = of, make([]int, len(s.columns))
	for i, column := range s.columns {
		at, known := of.index[idOf(s.of.series[column])]
		if !known {
			at = -1
		}
		s.oldColumns[i] = at
	}
	return s.oldColumns
}

func appendRow(b []byte, r *Row, columns []int) []byte {
	b = append(b, '[')
	b = strconv.AppendInt(b, r.At, 10)
	for _, column := range columns {
		b = append(b, ',')
		if column < 0 || math.IsNaN(float64(r.values[column])) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, float64(r.values[column]), 'f', -1, 32)
	}
	return append(b, ']')
}
