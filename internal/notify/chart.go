package notify

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
)

const (
	// chartWidth and chartHeight are in pixels: what a phone shows in a notification.
	chartWidth  = 480
	chartHeight = 160
	// chartMargin keeps the line off the edge.
	chartMargin = 8
	// chartLine is the line's thickness in pixels.
	chartLine = 2
)

// drawChart draws values over time as a line with the area under it. The words of the message
// say what it shows; a gap in the values (NaN) is a gap in the line.
func drawChart(points []Point) ([]byte, error) {
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b Point) int { return a.At.Compare(b.At) })
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if isNumber(p.Value) {
			low, high = min(low, p.Value), max(high, p.Value)
		}
	}
	if high <= low { // one value all the time: a line in the middle
		low, high = low-1, high+1
	}
	first, last := points[0].At, points[len(points)-1].At
	span := max(last.Sub(first), 1)
	ground, line, area := color.RGBA{0x1a, 0x1a, 0x1a, 0xff}, color.RGBA{0x94, 0xa5, 0xff, 0xff}, color.RGBA{0x2c, 0x31, 0x4c, 0xff}
	picture := image.NewPaletted(image.Rect(0, 0, chartWidth, chartHeight), color.Palette{ground, area, line})
	place := func(p Point) (x, y float64) {
		x = chartMargin + float64(p.At.Sub(first))/float64(span)*(chartWidth-2*chartMargin-1)
		y = chartHeight - 1 - chartMargin - (p.Value-low)/(high-low)*(chartHeight-2*chartMargin-1)
		return x, y
	}
	for i := 1; i < len(points); i++ {
		if !isNumber(points[i-1].Value) || !isNumber(points[i].Value) {
			continue
		}
		x1, y1 := place(points[i-1])
		x2, y2 := place(points[i])
		segment(picture, x1, y1, x2, y2)
	}
	var out bytes.Buffer
	err := png.Encode(&out, picture)
	return out.Bytes(), err
}

// segment draws one piece: columns from the line down, then the line over it.
func segment(picture *image.Paletted, x1, y1, x2, y2 float64) {
	const area, line = 1, 2
	for x := int(x1); x <= int(x2); x++ {
		at := func(x float64) float64 {
			if x2 <= x1 {
				return y2
			}
			return y1 + (y2-y1)*min(max((x-x1)/(x2-x1), 0), 1)
		}
		from, to := at(float64(x)), at(float64(x)+1)
		top, bottom := int(min(from, to)), int(max(from, to))+chartLine
		for y := bottom; y < chartHeight; y++ {
			if picture.ColorIndexAt(x, y) == 0 {
				picture.SetColorIndex(x, y, area)
			}
		}
		for y := top; y <= bottom; y++ {
			picture.SetColorIndex(x, y, line)
		}
	}
}

func isNumber(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
