package settings

import (
	"log/slog"
	"reflect"

	"quicnprotochat/relay"
)

// FileName is the name of the file in the home of a relay.
const FileName = "relay.conf"

// Config is what the operator chose. Zero fields mean the defaults.
type Config struct {
	// Relay is for relay.New, without what is no operator's choice: Dir, Log and
	// the fields for tests.
	Relay relay.Config
	// Metrics is the TCP address, IP:PORT, of /metrics, /healthz and /readyz.
	// Default: none.
	Metrics string
	// MetricsPublic allows an address there that is not a loopback one.
	MetricsPublic bool
	// Audit is the file of the audit log. Default: none.
	Audit string
	// Log is the level from which on messages are logged. Default: info.
	Log slog.Level
	// LogAddresses lets the log hold network addresses of others.
	LogAddresses bool
}

// Changed returns the names of the settings that differ: those that take effect
// while a relay runs, and those that do not.
func Changed(from, to Config) (live, fixed []string) {
	for _, s := range table {
		switch {
		case reflect.DeepEqual(s.field(&from), s.field(&to)):
		case s.live:
			live = append(live, s.name)
		default:
			fixed = append(fixed, s.name)
		}
	}
	return live, fixed
}

// Merge returns from with the settings of to that take effect while a relay runs.
func Merge(from, to Config) Config {
	for _, s := range table {
		if s.live {
			reflect.ValueOf(pointer(s.field(&from))).Elem().Set(reflect.ValueOf(pointer(s.field(&to))).Elem())
		}
	}
	return from
}

// pointer returns the pointer that a field of the table is.
func pointer(field any) any {
	switch p := field.(type) {
	case bytes:
		return p.int
	case bytes64:
		return p.int64
	}
	return field
}
