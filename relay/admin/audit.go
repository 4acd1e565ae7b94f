package admin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"quicnprotochat/rpc"
)

// maxAudit is how many calls may wait to be written down; more are counted.
const maxAudit = 4096

// maxAuditWrite is how much is written at once, about, in bytes.
const maxAuditWrite = 1 << 20

// audit writes a line of JSON for each answered call: its time, its method, its
// code, and who called, as hashes. Their salt is made when the process begins and
// is in its memory alone: within one run the operator can follow a caller who makes
// trouble, and nobody, with the file and all of the home, can find out later whether
// a certain person is in it. Of a call with a deposit pass nothing of the caller is
// written.
type audit struct {
	path  string
	salt  [32]byte
	calls chan auditLine
	lost  atomic.Int64
	again chan struct{} // asks to open the file again
}

type auditLine struct {
	Time   string   `json:"time"`
	Method string   `json:"method"`
	Code   rpc.Code `json:"code"`
	// Who is the identity, From the host that called.
	Who  string `json:"who"`
	From string `json:"from"`
	// Lost is how many calls before this one are not in the file.
	Lost int64 `json:"lost,omitempty"`
}

// newAudit opens the file, so that one that cannot be is known at once.
func newAudit(path string) (*audit, error) {
	a := &audit{path: path, calls: make(chan auditLine, maxAudit), again: make(chan struct{}, 1)}
	_, _ = rand.Read(a.salt[:]) // never fails
	f, err := a.open()
	if err != nil {
		return nil, err
	}
	return a, f.Close()
}

func (a *audit) open() (*os.File, error) {
	f, err := os.OpenFile(a.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	return f, nil
}

// call takes a call. It does not block.
func (a *audit) call(c rpc.Call) {
	line := auditLine{Time: time.Now().UTC().Format(timeLayout), Method: c.Method, Code: c.Code}
	if c.Caller.Kind != rpc.TokenPass {
		if c.Caller.Proven {
			line.Who = a.hash("identity", c.Caller.Identity[:])
		}
		if c.Caller.Remote != "" {
			line.From = a.hash("host", []byte(c.Caller.Remote))
		}
	}
	select {
	case a.calls <- line:
	default:
		a.lost.Add(1)
	}
}

func (a *audit) hash(kind string, value []byte) string {
	h := hmac.New(sha256.New, a.salt[:])
	h.Write([]byte(kind))
	h.Write(value)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// reopen lets a file that was moved away go, for another one of its name.
func (a *audit) reopen() {
	select {
	case a.again <- struct{}{}:
	default:
	}
}

// run writes until ctx ends, and then what is left.
func (a *audit) run(ctx context.Context) error {
	f, err := a.open()
	if err != nil {
		return err
	}
	defer func() { f.Close() }()
	for {
		select {
		case line := <-a.calls:
			if err := a.write(f, line); err != nil {
				return err
			}
		case <-a.again:
			fresh, err := a.open()
			if err != nil {
				return err
			}
			f.Close()
			f = fresh
		case <-ctx.Done():
			for len(a.calls) > 0 {
				if err := a.write(f, <-a.calls); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// write writes the lines that wait, with one call to the system. Without its audit
// log a relay that shall have one does not go on.
func (a *audit) write(f *os.File, line auditLine) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for {
		line.Lost = a.lost.Swap(0)
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("write audit log: %w", err)
		}
		if len(a.calls) == 0 || b.Len() > maxAuditWrite {
			break
		}
		line = <-a.calls
	}
	if _, err := f.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}
