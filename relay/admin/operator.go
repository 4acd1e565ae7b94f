package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"quicnprotochat/relay"
	"quicnprotochat/relay/store"
	"quicnprotochat/relay/store/file"
	"quicnprotochat/relay/store/ledger"
)

const (
	// answerTimeout bounds a call that does not read the whole store.
	answerTimeout = 30 * time.Second
	// maxAnswer bounds an answer that is held in memory, in bytes: a list of some
	// hundred thousand users.
	maxAnswer = 64 << 20
)

// Operator operates the relay of one home, whether it runs or not.
type Operator struct {
	dir     string
	running bool
	http    *http.Client
}

// Open returns the operator of the home in dir. It makes nothing there; the errors
// are relay.ErrHome, if there is none, relay.ErrKind and relay.ErrRestoring.
func Open(ctx context.Context, dir string) (*Operator, error) {
	if err := relay.CheckHome(dir); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := dial(ctx, dir)
	switch {
	case err == nil:
		conn.Close()
	case !nobody(err):
		return nil, fmt.Errorf("connect to the relay: %w", err)
	}
	return &Operator{
		dir:     dir,
		running: err == nil,
		http: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, dir) },
		}},
	}, nil
}

// Close ends the connections to the relay.
func (o *Operator) Close() { o.http.CloseIdleConnections() }

// Status returns what is known of the relay.
func (o *Operator) Status(ctx context.Context) (st Status, err error) {
	if o.running {
		ctx, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		return st, o.call(ctx, http.MethodGet, "/v1/status", &st)
	}
	key, err := relay.Identity(o.dir)
	if err != nil {
		return Status{}, err
	}
	info, err := ledger.StatFile(o.store(), store.Layout)
	if err != nil {
		return Status{}, err
	}
	return Status{Identity: key.String(), Bytes: info.Bytes, FileBytes: info.FileBytes}, nil
}

// Check reads the whole store.
func (o *Operator) Check(ctx context.Context) (c Check, err error) {
	if o.running {
		return c, o.call(ctx, http.MethodPost, "/v1/check", &c)
	}
	r, err := ledger.VerifyFile(ctx, o.store(), store.Layout)
	if err != nil {
		return Check{}, err
	}
	return checkOf(r), nil
}

// Backup writes a backup to a new file at path, which only its owner may read, and
// returns its size. Until it is whole, on the disk and read back, it has another
// name beside that one. ErrExists if there is a file.
func (o *Operator) Backup(ctx context.Context, path string) (size int64, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("%w: %s", ErrExists, path)
		}
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-*")
	if err != nil {
		return 0, fmt.Errorf("make backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if err := o.writeBackup(ctx, f); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, fmt.Errorf("make backup: %w", err)
	}
	if size, err = f.Seek(0, io.SeekEnd); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, fmt.Errorf("make backup: %w", err)
	}
	if _, err := readBackup(ctx, f); err != nil {
		return 0, fmt.Errorf("read backup back: %w", err)
	}
	// A link replaces no file that came meanwhile.
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("%w: %s", ErrExists, path)
	} else if err != nil {
		return 0, fmt.Errorf("make backup: %w", err)
	}
	return size, file.SyncDir(filepath.Dir(path))
}

func (o *Operator) writeBackup(ctx context.Context, w io.Writer) error {
	if !o.running {
		return writeBackup(ctx, w, o.dir, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
			return ledger.SnapshotFile(ctx, o.store(), begin)
		})
	}
	resp, err := o.do(ctx, http.MethodGet, "/v1/backup")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("the relay broke off: %w", err)
	}
	return nil
}

// Compact makes the file of the store as small as it can be, and returns its size
// before and after. progress is told how many bytes of records are copied.
// While the relay runs, all who write wait for the copy, and nobody is told.
func (o *Operator) Compact(ctx context.Context, progress func(bytes int64)) (before, after int64, err error) {
	if o.running {
		var c Compacted
		err := o.call(ctx, http.MethodPost, "/v1/compact", &c)
		return c.Before, c.After, err
	}
	return ledger.CompactFile(ctx, o.store(), store.Layout, progress)
}

func (o *Operator) store() string { return filepath.Join(o.dir, relay.StoreFile) }

func (o *Operator) call(ctx context.Context, method, path string, v any) error {
	resp, err := o.do(ctx, method, path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(v); err != nil {
		return fmt.Errorf("the relay broke off: %w", err)
	}
	return nil
}

func (o *Operator) do(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://relay"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := o.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the relay: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var r refusal
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&r); err != nil || r.Error == "" {
		r.Error = resp.Status
	}
	if err := known[resp.StatusCode]; err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("the relay answered: %s", r.Error)
}
