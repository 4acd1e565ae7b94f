package admin

import "quicnprotochat/relay/store/ledger"

// timeLayout is RFC 3339 with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// Status is a relay at one moment. What only a running one knows is zero for one
// that is stopped.
type Status struct {
	Running  bool   `json:"running"`
	Identity string `json:"identity"`
	// URL is the address to give to people.
	URL string `json:"url"`
	// Started is when it began to run, "" for one that is stopped.
	Started string `json:"started"`
	// Bytes is what is stored, MaxBytes the bound of that (0 if it is stopped),
	// FileBytes the size of the file.
	Bytes     uint64 `json:"bytes"`
	MaxBytes  int64  `json:"maxBytes"`
	FileBytes int64  `json:"fileBytes"`
	// Connections, Calls and Waiters are those of this moment; waiters are calls
	// that wait for mail.
	Connections int `json:"connections"`
	Calls       int `json:"calls"`
	Waiters     int `json:"waiters"`
}

// Compacted is the size of the file of the store before and after, in bytes.
type Compacted struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// Check is what a reading of the whole store found.
type Check struct {
	OK      bool   `json:"ok"`
	Records uint64 `json:"records"`
	Bytes   uint64 `json:"bytes"`
	Damaged uint64 `json:"damaged"`
	// Damages are the first 100.
	Damages []Damage `json:"damages"`
}

// Damage is one thing that is not what was written. Key is in hex.
type Damage struct {
	Table string `json:"table"`
	Key   string `json:"key"`
	What  string `json:"what"`
}

func checkOf(r ledger.Report) Check {
	c := Check{OK: r.Damaged == 0, Records: r.Records, Bytes: r.Bytes, Damaged: r.Damaged, Damages: []Damage{}}
	for _, d := range r.Damages {
		c.Damages = append(c.Damages, Damage(d))
	}
	return c
}
