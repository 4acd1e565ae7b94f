package localapi

import (
	"log/slog"
)

// Config says what a Server serves and where. All fields but Log are required.
type Config struct {
	// Socket is the path of the unix socket, of any length; its directory exists.
	Socket string

	Self     Self
	Contacts Contacts
	Messages Messages
	Relays   Relays
	Events   Events

	// Log is where failures go; nil means nowhere.
	Log *slog.Logger
}
