package relay

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"quicnprotochat/relay/store"
	"quicnprotochat/relay/store/file"
	"quicnprotochat/transport"
)

// The files of a home that package relay makes, all that a relay needs.
const (
	// StoreFile is the store, of package relay/store.
	StoreFile = "relay.db"
	// KeyFile is the seed of the relay's Ed25519 key, 32 bytes. Who has it can pass
	// for the relay.
	KeyFile = "relay.key"
	// PortFile is the port that the system picked, as text.
	PortFile = "relay.port"
	// RestoreFile is there while the others are restored from a backup; a relay
	// does not run on half of one.
	RestoreFile = "relay.restoring"
)

// maxSmall bounds the files beside the store, in bytes.
const maxSmall = 4 << 10

// nodeFiles are those that only the home of a node has.
var nodeFiles = []string{"node.db", "node.key"}

// home is the directory of a relay.
type home string

// openHome makes the directory if it is absent and refuses that of a node.
func openHome(dir string) (home, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make home: %w", err)
	}
	h := home(dir)
	return h, h.check()
}

// check refuses the home of a node, and one that is half restored.
func (h home) check() error {
	if found, err := h.has(RestoreFile); err != nil {
		return err
	} else if found {
		return ErrRestoring
	}
	for _, name := range nodeFiles {
		if found, err := h.has(name); err != nil {
			return err
		} else if found {
			return fmt.Errorf("%w: %s is in it", ErrKind, name)
		}
	}
	return nil
}

// CheckHome refuses a directory that is no home of a relay. The errors are
// ErrKind, ErrHome, ErrRestoring, and those of the file system.
func CheckHome(dir string) error {
	h := home(dir)
	if err := h.check(); err != nil {
		return err
	}
	if found, err := h.has(StoreFile); err != nil || !found {
		return errors.Join(err, ErrHome)
	}
	return nil
}

// Identity returns the key of the relay whose home is dir. The errors are
// ErrDamaged and those of the file system.
func Identity(dir string) (transport.Key, error) {
	seed, err := home(dir).read(KeyFile)
	if err != nil {
		return transport.Key{}, fmt.Errorf("relay key: %w", err)
	}
	key, err := parseKey(seed)
	if err != nil {
		return transport.Key{}, err
	}
	return transport.Key(key.Public().(ed25519.PublicKey)), nil
}

func parseKey(seed []byte) (ed25519.PrivateKey, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: %s has %d bytes", ErrDamaged, KeyFile, len(seed))
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// Init makes the home of a relay, its key and its store, as far as they are
// absent, and returns the relay's identity. One that runs has all of it. The errors
// are ErrKind, ErrDamaged, ErrNewer, and those of the file system.
func Init(dir string) (transport.Key, error) {
	h, err := openHome(dir)
	if err != nil {
		return transport.Key{}, fmt.Errorf("make relay: %w", err)
	}
	key, err := h.key()
	if err != nil {
		return transport.Key{}, fmt.Errorf("make relay: %w", err)
	}
	s, err := store.Open(store.Config{Path: h.path(StoreFile)})
	if err == nil {
		err = s.Close()
	}
	if err != nil && !errors.Is(err, store.ErrInUse) {
		return transport.Key{}, fmt.Errorf("make relay: %w", err)
	}
	return transport.Key(key.Public().(ed25519.PublicKey)), nil
}

func (h home) path(name string) string { return filepath.Join(string(h), name) }

func (h home) has(name string) (bool, error) {
	_, err := os.Lstat(h.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// read reads a small file. Of a pipe it would wait for ever.
func (h home) read(name string) ([]byte, error) {
	size, err := file.CheckRegular(h.path(name))
	switch {
	case errors.Is(err, file.ErrNoFile):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil:
		return nil, err
	case size > maxSmall:
		return nil, fmt.Errorf("%w: %s is no file of ours", ErrDamaged, name)
	}
	return os.ReadFile(h.path(name))
}

// key returns the key of the relay. It is made together with the home: with a
// store and no key, contacts would look for a relay that is no more.
func (h home) key() (ed25519.PrivateKey, error) {
	seed, err := h.read(KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		seed, err = h.newKey()
	}
	if err != nil {
		return nil, fmt.Errorf("relay key: %w", err)
	}
	return parseKey(seed)
}

func (h home) newKey() ([]byte, error) {
	found, err := h.has(StoreFile)
	if err != nil {
		return nil, err
	}
	if found {
		return nil, fmt.Errorf("%w: %s is missing", ErrDamaged, KeyFile)
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return nil, err
	}
	// A link does not replace the key that another process just made.
	if err := h.write(KeyFile, seed, os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return h.read(KeyFile)
}

// write puts a file into place, whole or not at all, with mode 0600.
func (h home) write(name string, data []byte, place func(from, to string) error) error {
	f, err := os.CreateTemp(string(h), name+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), h.path(name)); err != nil {
		return err
	}
	return file.SyncDir(string(h))
}

// listen puts the remembered port in place of port 0.
func (h home) listen(addrs []transport.Addr) ([]transport.Addr, error) {
	text, err := h.read(PortFile)
	if errors.Is(err, fs.ErrNotExist) {
		return addrs, nil
	}
	if err != nil {
		return nil, fmt.Errorf("remembered port: %w", err)
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil || port == 0 {
		return nil, fmt.Errorf("%w: %s holds no port", ErrDamaged, PortFile)
	}
	out := make([]transport.Addr, len(addrs))
	for i, a := range addrs {
		if out[i] = a; a.Port() != 0 {
			continue
		}
		at := strings.Replace(string(a), "/udp/0/", fmt.Sprintf("/udp/%d/", port), 1)
		if out[i], err = transport.ParseAddr(at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// remember keeps the port that was picked.
func (h home) remember(addrs []transport.Addr, port uint16) error {
	for _, a := range addrs {
		if a.Port() == 0 {
			return h.write(PortFile, []byte(strconv.Itoa(int(port))+"\n"), os.Rename)
		}
	}
	return nil
}
