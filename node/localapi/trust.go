package localapi

import (
	"context"
	"net/http"
	"net/url"
)

// Trust is what the user decides about people, who are asked for as in Contacts.
type Trust interface {
	// Safety returns what two people compare to be sure of each other.
	Safety(ctx context.Context, contact string) (Safety, error)
	// Decide does what the user has decided. A safety number that is another one is
	// exit 6.
	Decide(ctx context.Context, decision TrustRequest) (Contact, error)
	// Requests lists those who ask to be contacts, oldest first.
	Requests(ctx context.Context) ([]Request, error)
}

// Request is somebody who asks to be a contact. Decide takes its identity, its name,
// or a unique beginning of either: accept, refuse and block answer it.
type Request struct {
	Identity string `json:"identity"`
	// Name is what the person calls itself; "" if it has not said so.
	Name string `json:"name"`
	// Via is request, or group if it is in a group with the user.
	Via  string `json:"via"`
	Time Time   `json:"time"`
	// Text is what the person wrote, Claim NAME@URL if a relay of this node says that
	// it has that user name there: that relay's word and nobody else's.
	Text  string `json:"text"`
	Claim string `json:"claim,omitempty"`
}

// Safety is the safety number of the user and a contact, the same on both sides.
type Safety struct {
	Identity string `json:"identity"`
	Name     string `json:"name"`
	// Number is 12 groups of 5 digits, and Code the same for a QR code.
	Number   string `json:"number"`
	Code     string `json:"code"`
	Verified bool   `json:"verified"`
}

// TrustAction is what the user decides about somebody.
type TrustAction string

// The actions. Accept and Refuse answer somebody who asks to be a contact; and a relay
// that names another identity for the user name of a contact than before: Accept takes
// that one for the contact, Refuse stays with the contact as it is.
const (
	TrustVerify   TrustAction = "verify"
	TrustUnverify TrustAction = "unverify"
	TrustBlock    TrustAction = "block"
	TrustUnblock  TrustAction = "unblock"
	TrustAccept   TrustAction = "accept"
	TrustRefuse   TrustAction = "refuse"
)

// TrustRequest is a decision. With Verify goes the safety number that the other side
// has shown, if it is to be compared here.
type TrustRequest struct {
	Contact string      `json:"contact"`
	Action  TrustAction `json:"action"`
	Number  string      `json:"number,omitempty"`
}

// maxNumber bounds a safety number as somebody types it, in bytes.
const maxNumber = 256

func (s *Server) trustTable() []route {
	return []route{
		find(s, "/v1/safety", "The safety number of the user and a contact.", "contact", s.cfg.Trust.Safety),
		list(s, "/v1/requests", "Those who ask to be contacts, oldest first.", s.cfg.Trust.Requests),
		post(s, "/v1/trust", "Verify, block, accept or refuse somebody, or take that back.", s.cfg.Trust.Decide),
	}
}

func (r TrustRequest) check() error {
	if len(r.Number) > maxNumber {
		return usage("the safety number is too long", "it has 60 digits")
	}
	switch r.Action {
	case TrustVerify, TrustUnverify, TrustBlock, TrustUnblock, TrustAccept, TrustRefuse:
		return checkArgument("the contact", r.Contact, maxContact)
	}
	return usage("nothing called "+string(r.Action)+" is decided about people", "is the daemon older than this program?")
}

// Safety returns the safety number of the user and a contact.
func (c *Client) Safety(ctx context.Context, contact string) (v Safety, err error) {
	q := url.Values{"contact": {contact}}
	return v, c.call(ctx, http.MethodGet, "/v1/safety?"+q.Encode(), nil, &v)
}

// Requests lists those who ask to be contacts.
func (c *Client) Requests(ctx context.Context) (v []Request, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/requests", nil, &v)
}

// Decide does what the user has decided about somebody.
func (c *Client) Decide(ctx context.Context, decision TrustRequest) (v Contact, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/trust", decision, &v)
}
