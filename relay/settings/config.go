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
	// Log is the level from which on messages are logged. Default: info.
	Log slog.Level
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
