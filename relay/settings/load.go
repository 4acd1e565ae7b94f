package settings

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"quicnprotochat/relay"
	"quicnprotochat/relay/store/file"
)

const (
	// prefix begins the names of variables of the environment.
	prefix = "QPC_RELAY_"
	// maxFile bounds the file, in bytes.
	maxFile = 64 << 10
)

// Given is a setting that a flag gave.
type Given struct{ Name, Value string }

// Load puts the settings together: flags over the variables in environ (like
// os.Environ) over the file at path, which may be absent. An error that names what
// is wrong and where is relay.ErrConfig; others are those of the file system.
func Load(path string, environ []string, flags []Given) (Config, error) {
	file, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	sources := [][]place{file, fromEnviron(environ), fromFlags(flags)}
	// What wins is the last source that has a setting.
	last := map[string]int{}
	for i, source := range sources {
		for _, p := range source {
			last[p.name] = i
		}
	}
	var c Config
	for i, source := range sources {
		for _, p := range source {
			into := &c
			if last[p.name] != i {
				into = new(Config) // checked, and of no effect
			}
			if err := p.apply(into); err != nil {
				return Config{}, err
			}
		}
	}
	return c, nil
}

// place is one setting as it was given somewhere. label says where, and which.
type place struct {
	where, label, name, value string
	// twice is set if it stands above in the file too.
	twice bool
}

func (p place) apply(c *Config) error {
	for _, s := range table {
		if s.name != p.name {
			continue
		}
		if p.twice && !s.list() {
			return fmt.Errorf("%w: %s: %s stands there twice", relay.ErrConfig, p.where, p.name)
		}
		if err := s.set(c, p.value); err != nil {
			return fmt.Errorf("%w: %s: %w", relay.ErrConfig, p.label, err)
		}
		return nil
	}
	return fmt.Errorf("%w: %s: there is no setting %.64q", relay.ErrConfig, p.where, p.name)
}

func fromFlags(flags []Given) []place {
	var out []place
	for _, f := range flags {
		out = append(out, place{where: "--" + f.Name, label: "--" + f.Name, name: f.Name, value: f.Value})
	}
	return out
}

// fromEnviron finds the variables. One that is set and empty counts as not set.
func fromEnviron(environ []string) []place {
	var out []place
	for _, line := range environ {
		variable, value, _ := strings.Cut(line, "=")
		name, ok := strings.CutPrefix(variable, prefix)
		if ok && value != "" {
			name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
			out = append(out, place{where: "$" + variable, label: "$" + variable, name: name, value: value})
		}
	}
	return out
}

func readFile(path string) ([]place, error) {
	if _, err := file.CheckRegular(path); errors.Is(err, file.ErrNoFile) {
		return nil, fmt.Errorf("%w: %w", relay.ErrConfig, err)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open settings: %w", err)
	}
	defer f.Close()
	return parse(path, f)
}

// parse reads a file of settings. name is for errors.
func parse(name string, r io.Reader) ([]place, error) {
	var out []place
	seen := map[string]bool{}
	lines := bufio.NewScanner(io.LimitReader(r, maxFile+1))
	size := 0
	for n := 1; lines.Scan(); n++ {
		if size += len(lines.Bytes()) + 1; size > maxFile {
			return nil, fmt.Errorf("%w: %s: longer than %d bytes", relay.ErrConfig, name, maxFile)
		}
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		where := fmt.Sprintf("%s:%d", name, n)
		key, value, ok := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); !ok || key == "" {
			return nil, fmt.Errorf("%w: %s: not NAME = VALUE", relay.ErrConfig, where)
		}
		out = append(out, place{where, where + ": " + key, key, value, seen[key]})
		seen[key] = true
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("%w: %s: a line is too long", relay.ErrConfig, name)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return out, nil
}

// Create writes Template to path, which only its owner may read, unless there is
// a file already.
func Create(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make settings: %w", err)
	}
	_, err = f.WriteString(Template())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("make settings: %w", err), os.Remove(path))
	}
	return nil
}
