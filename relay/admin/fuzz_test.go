package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"quicnprotochat/relay"
	"quicnprotochat/relay/store/ledger"
)

// FuzzReadBackup reads files that anybody may have made.
func FuzzReadBackup(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "home")
	if _, err := relay.Init(dir); err != nil {
		f.Fatal(err)
	}
	var whole bytes.Buffer
	err := writeBackup(context.Background(), &whole, dir, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
		return ledger.SnapshotFile(ctx, filepath.Join(dir, relay.StoreFile), begin)
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:2000])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := readBackup(t.Context(), bytes.NewReader(data))
		if err != nil && !errors.Is(err, ErrBackup) {
			t.Fatal(err)
		}
		if err == nil && b.at+b.size > int64(len(data)) {
			t.Errorf("a store of %d bytes at %d, in %d", b.size, b.at, len(data))
		}
	})
}
