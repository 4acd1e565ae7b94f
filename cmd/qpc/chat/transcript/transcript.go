package transcript

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/disk"
	"quicnprotochat/node/localapi"
)

// Read calls show for the newest limit messages of a conversation, or the next ones after
// that of an id, oldest first, and says what those who wrote to a group are called, by
// identity. A limit of 0 means all.
func Read(ctx context.Context, c *localapi.Client, with string, limit int, after string, show func(m localapi.Message, authors map[string]string) error) error {
	var authors map[string]string
	return c.History(ctx, with, limit, after, func(m localapi.Message) (err error) {
		if authors == nil && m.Group != "" {
			if authors, err = names(ctx, c, m.Group); err != nil {
				return err
			}
		}
		return show(m, authors)
	})
}

// names are the names of those who may have written to a group, by identity.
func names(ctx context.Context, c *localapi.Client, group string) (map[string]string, error) {
	names := map[string]string{}
	info, err := c.Group(ctx, group)
	if err != nil {
		return nil, err
	}
	for _, m := range info.Members {
		names[m.Identity] = m.Name
	}
	list, err := c.Contacts(ctx)
	for _, contact := range list {
		names[contact.Identity] = contact.Name
	}
	return names, err
}

// Write writes all of a conversation: a line for each message, of JSON if inJSON is set. It
// returns how many they are.
func Write(ctx context.Context, c *localapi.Client, with string, out io.Writer, inJSON bool) (n int, err error) {
	self, err := c.Identity(ctx)
	if err != nil {
		return 0, err
	}
	err = Read(ctx, c, with, 0, "", func(m localapi.Message, authors map[string]string) (err error) {
		n++
		line := []byte(words.Message(m, self.Identity, authors) + "\n")
		if inJSON {
			if line, err = cli.JSONLine(m); err != nil {
				return err
			}
		}
		_, err = out.Write(line)
		return err
	})
	return n, err
}

// Written says what was written to a file.
type Written struct {
	Path     string `json:"path"`
	Format   string `json:"format"` // text or json
	Messages int    `json:"messages"`
}

// String says it for people.
func (w Written) String() string {
	return fmt.Sprintf("Wrote %s to %s", words.Count(w.Messages, "message", "messages"), cli.Defuse(w.Path))
}

// The formats of a conversation.
const (
	Text = "text"
	JSON = "json"
)

// WriteFile is Write to a new file, which is there only if all went well. It is JSON also
// if the name of the file ends in .json.
func WriteFile(ctx context.Context, c *localapi.Client, with, path string, inJSON bool) (w Written, err error) {
	w = Written{Format: Text}
	if inJSON = inJSON || strings.HasSuffix(path, ".json"); inJSON {
		w.Format = JSON
	}
	if w.Path, err = filepath.Abs(path); err != nil {
		return w, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return w, cli.UsageError(path+" is there already", "nothing was replaced: choose another name")
	}
	if err != nil {
		return w, cannotWrite(path, err)
	}
	w.Messages, err = Write(ctx, c, with, f, inJSON)
	if err = errors.Join(err, f.Close()); err != nil {
		return w, errors.Join(cannotWrite(path, err), os.Remove(path))
	}
	return w, nil
}

// cannotWrite puts into words why a file is not written.
func cannotWrite(path string, err error) error {
	err = disk.Words("", err)
	var of *fs.PathError
	if said := (*localapi.Error)(nil); errors.As(err, &said) || !errors.As(err, &of) {
		return err
	}
	return cli.UsageError("cannot write "+path+": "+of.Err.Error(), "choose another name")
}
