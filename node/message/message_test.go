package message

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

var (
	testID  = [16]byte{1, 2, 3, 15: 16}
	testRef = [16]byte{9, 9, 9, 15: 9}
)

func testMessages() map[string]*Message {
	return map[string]*Message{
		"chat":         {Type: Chat, ID: testID, Text: "hello"},
		"least chat":   {Type: Chat, Text: "x"},
		"longest chat": {Type: Chat, ID: testID, Text: strings.Repeat("é", MaxText/2) + "x"},
		"reply":        {Type: Reply, Ref: testRef, Text: "yes"},
		"reaction":     {Type: Reaction, Ref: testRef, Text: "👍"},
		"longest emoji": {
			Type: Reaction, Ref: testRef, Text: strings.Repeat("a", MaxEmoji),
		},
		"read receipt": {Type: ReadReceipt, Ref: testRef},
		"typing":       {Type: Typing},
		"edit":         {Type: Edit, Ref: testRef, Text: "better"},
		"delete":       {Type: Delete, Ref: testRef},
		"file": {Type: FileRef, File: &File{
			Blob: [32]byte{5}, Name: "a.png", Size: 123456, MIME: "image/png",
		}},
		"nameless file":    {Type: FileRef, File: &File{Size: MaxCounter}},
		"timer":            {Type: Timer, After: MaxTimer},
		"timer off":        {Type: Timer},
		"delivery receipt": {Type: DeliveryReceipt, Receipt: testReceipt()},
		"unknown":          {Type: 0x77, Raw: []byte{1, 2, 3}},
		"unknown, empty":   {Type: 0xff, Raw: []byte{}},
		"unknown, type 0":  {Type: 0, Raw: bytes.Repeat([]byte{7}, MaxMessage-2)},
	}
}

func testReceipt() *Receipt {
	return &Receipt{Author: [32]byte{4}, Ranges: Ranges{{1, 5}, {7, 7}}, Head: testID}
}

func TestMessageRoundTrip(t *testing.T) {
	for name, m := range testMessages() {
		t.Run(name, func(t *testing.T) {
			b, err := m.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, m) {
				t.Errorf("got %+v, want %+v", got, m)
			}
		})
	}
}

func TestMessageBytes(t *testing.T) {
	ref := string(testRef[:])
	tests := []struct {
		m    *Message
		want string
	}{
		{&Message{Type: Chat, ID: testID, Text: "hé"}, "\x01\x01" + string(testID[:]) + "\x00\x03hé"},
		{&Message{Type: Reply, Ref: testRef, Text: "a"}, "\x01\x02" + ref + "\x00\x01a"},
		{&Message{Type: Reaction, Ref: testRef, Text: "👍"}, "\x01\x03" + ref + "\x04👍"},
		{&Message{Type: ReadReceipt, Ref: testRef}, "\x01\x04" + ref},
		{&Message{Type: Typing}, "\x01\x05"},
		{&Message{Type: Edit, Ref: testRef, Text: "a"}, "\x01\x06" + ref + "\x00\x01a"},
		{&Message{Type: Timer, After: 258 * time.Second}, "\x01\x11\x00\x00\x01\x02"},
		{&Message{Type: Delete, Ref: testRef}, "\x01\x07" + ref},
		{
			&Message{Type: FileRef, File: &File{Name: "n", Size: 258, MIME: "t/x"}},
			"\x01\x08" + strings.Repeat("\x00", 32) + "\x00\x01n\x00\x00\x00\x00\x00\x00\x01\x02\x00\x03t/x",
		},
		{
			&Message{Type: DeliveryReceipt, Receipt: &Receipt{Ranges: Ranges{{1, 2}}, Head: testID}},
			"\x01\x10" + strings.Repeat("\x00", 32) + "\x00\x01" +
				"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02" + string(testID[:]),
		},
	}
	for _, tt := range tests {
		got, err := tt.m.Encode()
		if err != nil || string(got) != tt.want {
			t.Errorf("type 0x%02x: got %x, %v, want %x", tt.m.Type, got, err, tt.want)
		}
	}
}

func TestMessageEncodeRefuses(t *testing.T) {
	long := strings.Repeat("a", MaxText+1)
	tests := map[string]*Message{
		"empty chat":           {Type: Chat},
		"chat too long":        {Type: Chat, Text: long},
		"chat not UTF-8":       {Type: Chat, Text: "a\xff"},
		"empty reply":          {Type: Reply},
		"reply too long":       {Type: Reply, Text: long},
		"empty edit":           {Type: Edit},
		"edit not UTF-8":       {Type: Edit, Text: "\xc0\x80"},
		"empty reaction":       {Type: Reaction},
		"reaction too long":    {Type: Reaction, Text: long[:MaxEmoji+1]},
		"reaction not UTF-8":   {Type: Reaction, Text: "\xed\xa0\x80"},
		"no file":              {Type: FileRef},
		"file too large":       {Type: FileRef, File: &File{Size: MaxCounter + 1}},
		"file name too long":   {Type: FileRef, File: &File{Name: long}},
		"file name not UTF-8":  {Type: FileRef, File: &File{Name: "\xff"}},
		"MIME type too long":   {Type: FileRef, File: &File{MIME: long}},
		"absurd file":          {Type: FileRef, File: &File{Name: long[1:], MIME: long[1:]}},
		"timer below 0":        {Type: Timer, After: -time.Second},
		"timer too long":       {Type: Timer, After: MaxTimer + time.Second},
		"timer of parts":       {Type: Timer, After: 1500 * time.Millisecond},
		"no receipt":           {Type: DeliveryReceipt},
		"receipt of nothing":   {Type: DeliveryReceipt, Receipt: &Receipt{}},
		"unknown and too long": {Type: 0x77, Raw: make([]byte, MaxMessage-1)},
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			if b, err := m.Encode(); !errors.Is(err, ErrMalformed) || b != nil {
				t.Errorf("got %d bytes, %v, want %v", len(b), err, ErrMalformed)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	id := string(testID[:])
	for name, text := range map[string]string{
		"empty":                "",
		"version only":         "\x01",
		"version 0":            "\x00\x05",
		"version 2":            "\x02\x05",
		"chat without id":      "\x01\x01" + id[:15],
		"chat without length":  "\x01\x01" + id + "\x00",
		"empty chat":           "\x01\x01" + id + "\x00\x00",
		"chat cut short":       "\x01\x01" + id + "\x00\x03ab",
		"chat and more":        "\x01\x01" + id + "\x00\x01ab",
		"chat not UTF-8":       "\x01\x01" + id + "\x00\x01\xff",
		"empty reply":          "\x01\x02" + id + "\x00\x00",
		"empty reaction":       "\x01\x03" + id + "\x00",
		"reaction not UTF-8":   "\x01\x03" + id + "\x01\xff",
		"reaction cut short":   "\x01\x03" + id + "\x02a",
		"read receipt short":   "\x01\x04" + id[:15],
		"read receipt long":    "\x01\x04" + id + "\x00",
		"typing and more":      "\x01\x05\x01",
		"empty edit":           "\x01\x06" + id + "\x00\x00",
		"delete long":          "\x01\x07" + id + "a",
		"file cut short":       "\x01\x08" + id + id + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"file too large":       "\x01\x08" + id + id + "\x00\x00\x40\x00\x00\x00\x00\x00\x00\x01\x00\x00",
		"receipt of nothing":   "\x01\x10" + id + id + "\x00\x00" + id,
		"timer cut short":      "\x01\x11\x00\x00\x00",
		"timer too long":       "\x01\x11\xff\x00\x00\x00",
		"unknown and too long": "\x01\x77" + strings.Repeat("a", MaxMessage-1),
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := Parse([]byte(text)); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %+v, %v, want %v", m, err, ErrMalformed)
			}
		})
	}
}

func TestNewID(t *testing.T) {
	if a, b := NewID(), NewID(); a == b || a == [16]byte{} {
		t.Errorf("got %x and %x", a, b)
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range testMessages() {
		if b, err := m.Encode(); err == nil && len(b) < 1000 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("got %x, %v, want %x", again, err, b)
		}
	})
}
