package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func TestPadme(t *testing.T) {
	tests := []struct{ n, want int }{
		{2, 2},
		{8, 8},
		{9, 10},
		{100, 104},
		{1023, 1024},
		{1024, 1024},
		{1025, 1088},
		{1088, 1088},
		{1089, 1152},
		{65535, 65536},
		{65537, 67584},
		{1 << 20, 1 << 20},
		{1<<20 + 1, 1<<20 + 1<<15},
		{5 << 20, 5 << 20},
	}
	for _, tt := range tests {
		if got := padme(tt.n); got != tt.want {
			t.Errorf("padme(%d): got %d, want %d", tt.n, got, tt.want)
		}
	}
	for n := 100; n < 6<<20; n += 97 {
		p := padme(n)
		if p < n || p*100 > n*112 || padme(p) != p {
			t.Fatalf("padme(%d) = %d", n, p)
		}
	}
}

func TestMaxFrame(t *testing.T) {
	if got := paddedSize(MaxFrame) + hybridOverhead; got > MaxPayload {
		t.Errorf("payload of %d bytes", got)
	}
	if got := paddedSize(MaxFrame+1) + epochOverhead; got <= MaxPayload {
		t.Errorf("one byte more would fit: payload of %d bytes", got)
	}
}

func TestUnpad(t *testing.T) {
	plain := func(n uint32, rest ...byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, n), rest...)
	}
	tests := []struct {
		name  string
		b     []byte
		frame []byte
		err   error
	}{
		{"whole", appendPadded(nil, []byte("abc")), []byte("abc"), nil},
		{"other amount of padding", plain(1, 'a', 0), []byte("a"), nil},
		{"no padding", plain(1, 'a'), []byte("a"), nil},
		{"empty frame", plain(0), []byte{}, nil},
		{"no length", []byte{0, 0, 0}, nil, ErrMalformed},
		{"length over the rest", plain(2, 'a'), nil, ErrMalformed},
		{"length of all bits", plain(1<<32-1, 'a'), nil, ErrMalformed},
		{"first byte of padding", plain(1, 'a', 1, 0), nil, ErrMalformed},
		{"last byte of padding", plain(1, 'a', 0, 1), nil, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frame, err := unpad(tt.b)
			if !bytes.Equal(frame, tt.frame) || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %q, %v", frame, err, tt.frame, tt.err)
			}
		})
	}
}

// TestOpenPadding shows that what unpad refuses is refused after decryption.
func TestOpenPadding(t *testing.T) {
	k := EpochKey{9}
	var salt [saltSize]byte
	aead, nonce, err := k.aead(salt[:])
	if err != nil {
		t.Fatal(err)
	}
	tag := k.tag(salt[:])
	header := append(append([]byte{KindEpoch}, salt[:]...), tag[:]...)
	plaintext := appendPadded(nil, []byte("frame"))
	plaintext[len(plaintext)-1] = 1
	payload := aead.Seal(bytes.Clone(header), nonce, plaintext, header)
	if _, err := k.Open(payload); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v, want %v", err, ErrMalformed)
	}
}
