package localapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"quicnprotochat/node/localapi/openapi"
)

// Reasons say why something is as it is.
type Reasons interface {
	// Why says what was tried for a message and what came back. A message that is
	// not here is exit 2.
	Why(ctx context.Context, id string) (Explanation, error)
	// Ping calls the machine and the relays of a contact, asked for as in Contacts.
	Ping(ctx context.Context, contact string) (Ping, error)
	// Netcheck says how this machine is connected and can be reached.
	Netcheck(ctx context.Context) (Netcheck, error)
}

// Explanation is what is known of the way of one message. Its lists are never null
// in JSON.
type Explanation struct {
	ID    string `json:"id"`
	State State  `json:"state"`
	Path  Path   `json:"path"`
	Relay string `json:"relay"`
	Why   string `json:"why"`
	// Sent is when it was written, by its author's clock, and Stored when it came
	// to this node.
	Sent   Time `json:"sent"`
	Stored Time `json:"stored"`
	// To is whom a message of our own is for: one person, or the members of a group.
	To     []Recipient `json:"to"`
	Online string      `json:"online"` // as in Status
}

// Recipient is one of those that a message is for.
type Recipient struct {
	Identity string `json:"identity"`
	Name     string `json:"name"`
	State    State  `json:"state"`
	Tries    []Try  `json:"tries"`
	// Next is when the next try is due by the clock; it is left out if none is, or
	// something else than time is waited for.
	Next *Time `json:"next,omitempty"`
}

// Try is one try to deliver, or several that ended alike.
type Try struct {
	// Way is keys (get what is needed to write to them), machine, relay, or receipt:
	// theirs came back.
	Way string `json:"way"`
	// Time is when it began, and Last when the last of several did. Times is how
	// many there were.
	Time  Time `json:"time"`
	Last  Time `json:"last"`
	Times int  `json:"times"`
	// Took is how long the last one took.
	Took  string `json:"took"`
	Path  Path   `json:"path"`
	Relay string `json:"relay"`
	// RelayURL is where that relay is; it is left out if that is not known any more.
	RelayURL string `json:"relay_url,omitempty"`
	OK       bool   `json:"ok"`
	// Result is what came back, one line.
	Result string `json:"result"`
}

// Ping is how a contact's machine and relays answer now. Its lists are never null
// in JSON.
type Ping struct {
	Identity string `json:"identity"`
	Name     string `json:"name"`
	// Reached says that the machine answers. RTT is the fastest of three round
	// trips, and Dialled how long it took to connect first; empty if it was
	// connected.
	Reached bool   `json:"reached"`
	Path    Path   `json:"path"`
	Addr    string `json:"addr"`
	RTT     string `json:"rtt"`
	Dialled string `json:"dialled"`
	Error   string `json:"error"`
	// Tried are the addresses that were dialled, now or before, oldest first.
	Tried  []Tried     `json:"tried"`
	Relays []PingRelay `json:"relays"`
	// Why is one sentence: what becomes of a message to them now.
	Why    string `json:"why"`
	Online string `json:"online"` // as in Status
}

// PingRelay is one of the relays that keep mail for a contact.
type PingRelay struct {
	URL     string `json:"url"`
	Reached bool   `json:"reached"`
	RTT     string `json:"rtt"`
	Error   string `json:"error"`
}

// pingTime bounds how long a Ping takes.
const pingTime = 15 * time.Second

type pingRequest struct {
	Contact string `json:"contact"`
}

func (s *Server) reasonTable() []route {
	return []route{
		{openapi.Call{Method: "GET", Path: "/v1/messages/{id}/why", About: "What was tried for a message, when, and what came back.", Answer: Explanation{}}, s.answer(s.why)},
		post(s, "/v1/ping", "Call a contact's machine and relays, and say how they answer.", s.ping),
		order(s, "/v1/netcheck", "Call the home relays, and say how this machine is connected and can be reached.", s.netcheck),
	}
}

func (s *Server) why(_ http.ResponseWriter, r *http.Request) (any, error) {
	id := r.PathValue("id")
	if err := checkID(id); err != nil {
		return nil, err
	}
	x, err := s.cfg.Reasons.Why(r.Context(), id)
	x.To = present(x.To)
	for i := range x.To {
		x.To[i].Tries = present(x.To[i].Tries)
	}
	return x, err
}

func (r pingRequest) check() error { return checkArgument("the contact", r.Contact, maxContact) }

func (s *Server) ping(ctx context.Context, r pingRequest) (Ping, error) {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	p, err := s.cfg.Reasons.Ping(ctx, r.Contact)
	p.Tried, p.Relays = present(p.Tried), present(p.Relays)
	return p, err
}

// Why says what was tried for a message and what came back.
func (c *Client) Why(ctx context.Context, id string) (v Explanation, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/messages/"+url.PathEscape(id)+"/why", nil, &v)
}

// Ping calls the machine and the relays of a contact.
func (c *Client) Ping(ctx context.Context, contact string) (v Ping, err error) {
	return v, c.callFor(ctx, pingTime, http.MethodPost, "/v1/ping", pingRequest{contact}, &v)
}
