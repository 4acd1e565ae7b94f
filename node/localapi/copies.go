package localapi

import (
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
		{method: "POST", path: "/v1/backup", about: "Write an encrypted copy of the node to a new file, and verify it.", body: BackupRequest{}, answer: Backup{}, handle: s.answer(s.backup)},
		{method: "POST", path: "/v1/export", about: "Write the store to a new SQLite file in clear, with all keys.", body: BackupRequest{}, answer: Backup{}, handle: s.answer(s.export)},
	}
}

func (s *Server) backup(w http.ResponseWriter, r *http.Request) (any, error) {
	req, err := decodeBackup(w, r)
	defer clear(req.Password)
	switch {
	case err != nil:
		return nil, err
	case len(req.Password) == 0:
		return nil, usage("a backup needs a password", "")
	}
	return s.cfg.Copies.Backup(r.Context(), req.Path, req.Password)
}

func (s *Server) export(w http.ResponseWriter, r *http.Request) (any, error) {
	req, err := decodeBackup(w, r)
	if err != nil {
		return nil, err
	}
	return s.cfg.Copies.Export(r.Context(), req.Path)
}

func decodeBackup(w http.ResponseWriter, r *http.Request) (req BackupRequest, err error) {
	if err := decode(w, r, &req); err != nil {
		return req, err
	}
	switch {
	case len(req.Password) > MaxPassword:
		return req, usage("the password is too long", "1024 bytes is the most")
	case !filepath.IsAbs(req.Path):
		return req, usage("the path of the file is not absolute", "")
	}
	return req, checkArgument("the path of the file", req.Path, maxPath)
}

// Backup writes a backup.
func (c *Client) Backup(ctx context.Context, path string, password []byte) (v Backup, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/backup", BackupRequest{path, password}, &v)
}

// Export writes the store in clear.
func (c *Client) Export(ctx context.Context, path string) (v Backup, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/export", BackupRequest{Path: path}, &v)
}
