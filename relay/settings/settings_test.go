package settings

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"quicnprotochat/relay"
)

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	path := write(t, "max-depth = 1\nmax-calls=2\n\n # said twice\nlisten = /ip4/127.0.0.1/udp/1/quic-v1\nlisten = /ip4/127.0.0.1/udp/2/quic-v1\nretention = 1h\n")
	environ := []string{"QPC_RELAY_MAX_DEPTH=3", "QPC_RELAY_MAX_CALLS=4", "QPC_RELAY_MAX_WAITERS=", "HOME=/h"}
	c, err := Load(path, environ, []Given{{"max-depth", "5"}, {"log", "warn"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Relay.MaxDepth != 5 || c.Relay.MaxCalls != 4 || c.Relay.MaxWaiters != 0 || c.Relay.Retention != time.Hour || len(c.Relay.Listen) != 2 || c.Log != slog.LevelWarn {
		t.Errorf("got %+v", c)
	}
	c, err = Load(path, []string{"QPC_RELAY_LISTEN=/ip4/127.0.0.1/udp/3/quic-v1"}, nil)
	if err != nil || len(c.Relay.Listen) != 1 || c.Relay.Listen[0].Port() != 3 {
		t.Errorf("a list in two places: got %v, %v, want the one that wins", c.Relay.Listen, err)
	}
	c, err = Load(filepath.Join(t.TempDir(), "absent"), nil, nil)
	if err != nil || !reflect.DeepEqual(c, Config{}) {
		t.Errorf("nothing given: got %+v, %v", c, err)
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"max-depht = 1":                  `:1: there is no setting "max-depht"`,
		"# a remark\n\nmax-depth = many": ":3: max-depth: not a whole number above zero",
		"max-depth = 0":                  ":1: max-depth: not a whole number above zero",
		"max-depth =":                    ":1: max-depth: the value is empty",
		"max-depth 5":                    ":1: not NAME = VALUE",
		"= 5":                            ":1: not NAME = VALUE",
		"max-depth = 1\nmax-depth = 2":   ":2: max-depth stands there twice",
		"max-bytes = 1GB":                ":1: max-bytes: not a size",
		"max-bytes = 9000000000GiB":      ":1: max-bytes: not a size",
		"max-bytes = -1":                 ":1: max-bytes: not a size",
		"retention = 7":                  ":1: retention: not a time",
		"retention = -1h":                ":1: retention: not a time",
		"suites = 1 0x10000":             ":1: suites: \"0x10000\" is not a number",
		"log = loud":                     ":1: log: not debug",
		"log-addresses = maybe":          ":1: log-addresses: not yes or no",
		"listen = 127.0.0.1:7000":        ":1: listen: ",
		"announce = " + strings.Repeat("x", maxValue+1): ":1: announce: the value is too long",
		strings.Repeat("#\n", maxFile):                  "longer than",
		strings.Repeat("x", maxFile+1):                  "too long",
	} {
		_, err := Load(write(t, text), nil, nil)
		if !errors.Is(err, relay.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
	if _, err := Load("absent", []string{"QPC_RELAY_MAX_DEPHT=1"}, nil); !errors.Is(err, relay.ErrConfig) || !strings.Contains(err.Error(), "$QPC_RELAY_MAX_DEPHT: there is no setting") {
		t.Errorf("unknown variable: got %v", err)
	}
	if _, err := Load("absent", []string{"QPC_RELAY_MAX_DEPTH=x"}, []Given{{"max-depth", "1"}}); !errors.Is(err, relay.ErrConfig) {
		t.Errorf("wrong value below one that wins: got %v, want a refusal", err)
	}
	if _, err := Load("absent", nil, []Given{{"max-depth", ""}}); err == nil || !strings.Contains(err.Error(), "--max-depth") {
		t.Errorf("empty flag: got %v", err)
	}
}

// The template says nothing until its lines are used, and those are right.
func TestTemplate(t *testing.T) {
	c, err := Load(write(t, Template()), nil, nil)
	if err != nil || !reflect.DeepEqual(c, Config{}) {
		t.Errorf("got %+v, %v", c, err)
	}
	var used []string
	for line := range strings.Lines(Template()) {
		if setting, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(setting, " ") && !strings.HasSuffix(setting, "=\n") {
			used = append(used, setting)
		}
	}
	if _, err := Load(write(t, strings.Join(used, "")), nil, nil); err != nil {
		t.Error(err)
	}
	for _, s := range table {
		if !strings.Contains(Template(), "\n#"+s.name+" =") {
			t.Errorf("%s is not in the template", s.name)
		}
		if s.def != "" && s.set(new(Config), s.def) != nil {
			t.Errorf("%s: its default %q is no value", s.name, s.def)
		}
	}
}

// notChosen are the fields of relay.Config that no operator sets.
var notChosen = map[string]bool{"Dir": true, "Options": true, "Fault": true, "Now": true, "Log": true}

// Every field of relay.Config is in the table, or is no operator's choice. A new
// limit needs a line in the table.
func TestTableIsComplete(t *testing.T) {
	var c Config
	have := map[uintptr]bool{}
	for _, s := range table {
		have[reflect.ValueOf(pointer(s.field(&c))).Pointer()] = true
	}
	v := reflect.ValueOf(&c.Relay).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Type.Kind() != reflect.Func && !notChosen[f.Name] && !have[v.Field(i).Addr().Pointer()] {
			t.Errorf("relay.Config.%s is no setting: give it a line in table.go", f.Name)
		}
	}
}

func TestChanged(t *testing.T) {
	var from, to Config
	to.Relay.MaxCalls, to.Relay.Announce, to.Log = 7, "h", slog.LevelDebug
	live, fixed := Changed(from, to)
	if m := Merge(from, to); m.Relay.MaxCalls != 7 || m.Log != slog.LevelDebug || m.Relay.Announce != "" {
		t.Errorf("merged: %+v", m)
	}
	if !reflect.DeepEqual(live, []string{"max-calls", "log"}) || !reflect.DeepEqual(fixed, []string{"announce"}) {
		t.Errorf("got %v and %v", live, fixed)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Template())
	f.Add("max-depth = 1\nlisten = /ip4/127.0.0.1/udp/1/quic-v1 /ip6/::/udp/0/quic-v1\nmax-bytes = 8 GiB\n")
	f.Add("a=b=c\n\r\n\x00 = 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		places, err := parse("f", strings.NewReader(text))
		if err != nil && !errors.Is(err, relay.ErrConfig) {
			t.Fatal(err)
		}
		var c Config
		for _, p := range places {
			if err := p.apply(&c); err != nil && !errors.Is(err, relay.ErrConfig) {
				t.Fatal(err)
			}
		}
		if c.Relay.MaxDepth < 0 || c.Relay.MaxBytes < 0 || c.Relay.Retention < 0 {
			t.Errorf("below zero: %+v", c.Relay)
		}
	})
}
