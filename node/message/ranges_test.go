package message

import (
	"bytes"
	"errors"
	"math/rand"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

func TestRangesAdd(t *testing.T) {
	const top = 1<<64 - 1
	tests := []struct {
		name string
		add  []uint64
		want Ranges
	}{
		{"one", []uint64{5}, Ranges{{5, 5}}},
		{"twice", []uint64{5, 5}, Ranges{{5, 5}}},
		{"up", []uint64{1, 2, 3}, Ranges{{1, 3}}},
		{"down", []uint64{3, 2, 1, 0}, Ranges{{0, 3}}},
		{"gap closed", []uint64{1, 3, 2}, Ranges{{1, 3}}},
		{"apart", []uint64{9, 1, 5}, Ranges{{1, 1}, {5, 5}, {9, 9}}},
		{"inside", []uint64{1, 2, 3, 2}, Ranges{{1, 3}}},
		{"middle grows up", []uint64{1, 5, 9, 6}, Ranges{{1, 1}, {5, 6}, {9, 9}}},
		{"middle grows down", []uint64{1, 5, 9, 4}, Ranges{{1, 1}, {4, 5}, {9, 9}}},
		{"ends", []uint64{0, top, top - 1, 0}, Ranges{{0, 0}, {top - 1, top}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Ranges
			for _, c := range tt.add {
				r.Add(c)
			}
			if !slices.Equal(r, tt.want) {
				t.Errorf("got %v, want %v", r, tt.want)
			}
		})
	}
}

func TestRangesContains(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 200 {
		var r Ranges
		in := make(map[uint64]bool)
		for range 60 {
			c := uint64(rnd.Intn(100))
			r.Add(c)
			in[c] = true
			if !r.sound() {
				t.Fatalf("not sound: %v", r)
			}
		}
		for c := range uint64(110) {
			has := slices.ContainsFunc(r, func(v Range) bool { return v.Lo <= c && c <= v.Hi })
			if has != in[c] {
				t.Fatalf("%v contains %d: got %v", r, c, has)
			}
		}
	}
}

func manyRanges(n int) Ranges {
	r := make(Ranges, n)
	for i := range r {
		r[i] = Range{uint64(3 * i), uint64(3*i + 1)}
	}
	return r
}

func TestRangesRoundTrip(t *testing.T) {
	for _, r := range []Ranges{{{0, 0}}, {{1, 5}, {7, 9}}, {{0, MaxCounter}}, manyRanges(MaxRanges)} {
		b, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseRanges(b)
		if err != nil || !slices.Equal(got, r) {
			t.Errorf("got %v, %v, want %v", got, err, r)
		}
	}
}

func TestRangesRefuses(t *testing.T) {
	tests := map[string]Ranges{
		"none":       {},
		"too many":   manyRanges(MaxRanges + 1),
		"backwards":  {{5, 4}},
		"unsorted":   {{5, 6}, {1, 2}},
		"overlap":    {{1, 5}, {5, 6}},
		"adjacent":   {{1, 5}, {6, 7}},
		"same twice": {{1, 5}, {1, 5}},
		"over bound": {{1, MaxCounter + 1}},
		"at the top": {{1, 1<<64 - 1}, {0, 3}},
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := r.encode(); !errors.Is(err, ErrMalformed) {
				t.Errorf("encode: got %v, want %v", err, ErrMalformed)
			}
			if _, err := parseRanges(rawRanges(r)); !errors.Is(err, ErrMalformed) {
				t.Errorf("parse: got %v, want %v", err, ErrMalformed)
			}
		})
	}
	good := rawRanges(Ranges{{1, 2}})
	for _, b := range [][]byte{nil, {0}, good[:17], append(bytes.Clone(good), 0), {0xff, 0xff}} {
		if _, err := parseRanges(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%x: got %v, want %v", b, err, ErrMalformed)
		}
	}
}

func FuzzParseRanges(f *testing.F) {
	f.Add(rawRanges(Ranges{{1, 2}, {4, 4}}))
	f.Add(rawRanges(manyRanges(MaxRanges)))
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRanges(b)
		if err != nil {
			return
		}
		again, err := r.encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("got %x, %v, want %x", again, err, b)
		}
		r.Add(r[0].Lo)
	})
}

// encode returns what a receipt holds of r.
func (r Ranges) encode() ([]byte, error) {
	var b cryptobyte.Builder
	r.addTo(&b)
	return b.Bytes()
}

// parseRanges parses what encode returned, as a receipt does.
func parseRanges(b []byte) (Ranges, error) {
	var r Ranges
	s := cryptobyte.String(b)
	if !r.read(&s) || !s.Empty() {
		return nil, ErrMalformed
	}
	return r, nil
}
