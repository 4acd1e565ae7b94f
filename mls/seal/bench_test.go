package seal

import (
	"crypto/rand"
	"fmt"
	"testing"
)

var benchSizes = []int{200, 16 << 10, 1 << 20}

func BenchmarkHybrid(b *testing.B) {
	alice := newOwner(1)
	private, public := newKeys(b, alice)
	for _, n := range benchSizes {
		frame := make([]byte, n)
		rand.Read(frame)
		b.Run(fmt.Sprintf("seal/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, err := Seal(public, alice.id, frame); err != nil {
					b.Fatal(err)
				}
			}
		})
		payload, err := Seal(public, alice.id, frame)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("open/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, err := private.Open(payload, alice.id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEpoch(b *testing.B) {
	k := EpochKey{1}
	for _, n := range benchSizes {
		frame := make([]byte, n)
		rand.Read(frame)
		b.Run(fmt.Sprintf("seal/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, err := SealEpoch(k, frame); err != nil {
					b.Fatal(err)
				}
			}
		})
		payload, err := SealEpoch(k, frame)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("open/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, err := k.Open(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMatches tries the tags of 1,000 epochs, none of which is the one.
func BenchmarkMatches(b *testing.B) {
	payload, err := SealEpoch(EpochKey{1}, nil)
	if err != nil {
		b.Fatal(err)
	}
	keys := make([]EpochKey, 1000)
	for b.Loop() {
		for i := range keys {
			if keys[i].Matches(payload) {
				b.Fatal("matches")
			}
		}
	}
}

func BenchmarkParseHybridKey(b *testing.B) {
	alice := newOwner(1)
	private, _ := newKeys(b, alice)
	blob := private.Blob()
	for b.Loop() {
		if _, err := ParseHybridKey(blob, alice.id, testTime); err != nil {
			b.Fatal(err)
		}
	}
}
