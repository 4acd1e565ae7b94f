package message

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"
	"time"
)

var testAuthData = AuthData{
	Head: testID, Counter: 7, Lamport: 258, Sent: time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC),
}

func TestAuthDataRoundTrip(t *testing.T) {
	for _, a := range []AuthData{
		testAuthData,
		{Sent: time.UnixMilli(0).UTC()},
		{Counter: MaxCounter, Lamport: MaxCounter, Sent: time.UnixMilli(maxTime).UTC()},
	} {
		b, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if len(b) != AuthDataSize {
			t.Errorf("%d bytes, want %d", len(b), AuthDataSize)
		}
		got, err := ParseAuthData(b)
		if err != nil || got != a {
			t.Errorf("got %+v, %v, want %+v", got, err, a)
		}
	}
	b, _ := testAuthData.Encode()
	want := "01" + hex.EncodeToString(testID[:]) + "0000000000000007" + "0000000000000102" + "0000019ca9450a7b"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAuthDataEncodeRefuses(t *testing.T) {
	now := testAuthData.Sent
	for name, a := range map[string]AuthData{
		"counter":      {Counter: MaxCounter + 1, Sent: now},
		"Lamport time": {Lamport: MaxCounter + 1, Sent: now},
		"no time":      {},
		"before 1970":  {Sent: time.UnixMilli(-1)},
		"year 10000":   {Sent: time.UnixMilli(maxTime + 1)},
	} {
		if _, err := a.Encode(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, ErrMalformed)
		}
	}
}

func TestParseAuthDataRefuses(t *testing.T) {
	good, _ := testAuthData.Encode()
	set := func(at int, v uint64) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint64(b[at:], v)
		return b
	}
	version := bytes.Clone(good)
	version[0] = 2
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[:40], "long": append(bytes.Clone(good), 0), "version": version,
		"counter": set(17, MaxCounter+1), "Lamport time": set(25, 1<<64-1), "time": set(33, maxTime+1),
	} {
		if a, err := ParseAuthData(b); !errors.Is(err, ErrMalformed) || a != (AuthData{}) {
			t.Errorf("%s: got %+v, %v, want %v", name, a, err, ErrMalformed)
		}
	}
}

func FuzzParseAuthData(f *testing.F) {
	good, _ := testAuthData.Encode()
	f.Add(good)
	f.Add(good[:30])
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAuthData(b)
		if err != nil {
			return
		}
		again, err := a.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("got %x, %v, want %x", again, err, b)
		}
	})
}
