package localapi

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
)

// BackupRequest asks for a copy of the node in a new file. A backup is encrypted under
// a password; an export, which has none, is in clear, with all keys of the node.
type BackupRequest struct {
	// Path is absolute. Nothing may be there.
	Path string `json:"path"`
	// Password is base64 in JSON. It is wiped after the call.
	Password []byte `json:"password,omitempty"`
}

// Backup says what is in a copy of a node.
type Backup struct {
	Path          string `json:"path"`
	Contacts      int    `json:"contacts"`
	Conversations int    `json:"conversations"`
	Messages      int    `json:"messages"`
}

// Copies makes copies of the node. A path that is taken is exit 2.
type Copies interface {
	// Backup writes a backup and returns when it was verified.
	Backup(ctx context.Context, path string, password []byte) (Backup, error)
	// Export writes an SQLite database in clear.
	Export(ctx context.Context, path string) (Backup, error)
}

const maxPath = 4096

func (s *Server) copiesTable() []route {
	return []route{
		post(s, "/v1/backup", "Write an encrypted copy of the node to a new file, and verify it.", func(ctx context.Context, r BackupRequest) (Backup, error) {
			defer clear(r.Password)
			if len(r.Password) == 0 {
				return Backup{}, usage("a backup needs a password", "")
			}
			return s.cfg.Copies.Backup(ctx, r.Path, r.Password)
		}),
		post(s, "/v1/export", "Write the store to a new SQLite file in clear, with all keys.", func(ctx context.Context, r BackupRequest) (Backup, error) {
			clear(r.Password)
			return s.cfg.Copies.Export(ctx, r.Path)
		}),
	}
}

// check wipes the password of what it refuses.
func (r BackupRequest) check() (err error) {
	switch {
	case len(r.Password) > MaxPassword:
		err = usage("the password is too long", "1024 bytes is the most")
	case !filepath.IsAbs(r.Path):
		err = usage("the path of the file is not absolute", "")
	default:
		err = checkArgument("the path of the file", r.Path, maxPath)
	}
	if err != nil {
		clear(r.Password)
	}
	return err
}

// Backup writes a backup.
func (c *Client) Backup(ctx context.Context, path string, password []byte) (v Backup, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/backup", BackupRequest{path, password}, &v)
}

// Export writes the store in clear.
func (c *Client) Export(ctx context.Context, path string) (v Backup, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/export", BackupRequest{Path: path}, &v)
}

// wiped is a body that is wiped when it was sent.
type wiped struct {
	*bytes.Reader
	b []byte
}

// Close implements io.Closer: the last to happen to a body.
func (w *wiped) Close() error {
	clear(w.b)
	return nil
}
