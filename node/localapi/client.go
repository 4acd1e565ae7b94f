package localapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"quicnprotochat/node/localapi/socket"
)

// Client talks to the daemon of one home. Its errors are *Error.
type Client struct {
	http *http.Client
}

// NewClient returns a client of the daemon at that socket; see socket.Path. It
// connects when it is used: no daemon there is an *Error of ExitNoDaemon, and
// nothing is created.
func NewClient(path string) *Client {
	return &Client{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := socket.Dial(ctx, path)
			return conn, ofSocket(err)
		},
		DisableCompression: true,
		MaxIdleConns:       2,
	}}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Identity says who the node is.
func (c *Client) Identity(ctx context.Context) (v Identity, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/id", nil, &v)
}

// Invite makes a contact link.
func (c *Client) Invite(ctx context.Context) (v Invite, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/invite", nil, &v)
}

// Status says what the node is connected to and what waits.
func (c *Client) Status(ctx context.Context) (v Status, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/status", nil, &v)
}

// Stop asks the daemon to end and returns before it has.
func (c *Client) Stop(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/v1/stop", nil, nil)
}

// Contacts lists the people that the node knows.
func (c *Client) Contacts(ctx context.Context) (v []Contact, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/contacts", nil, &v)
}

// Contact finds a contact by identity, exact name or unique prefix of either.
func (c *Client) Contact(ctx context.Context, contact string) (v Contact, err error) {
	q := url.Values{"contact": {contact}}
	return v, c.call(ctx, http.MethodGet, "/v1/contact?"+q.Encode(), nil, &v)
}

// Nearby lists whom the node heard on the LAN in the last minutes.
func (c *Client) Nearby(ctx context.Context) (v []Nearby, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/lan", nil, &v)
}

// AddContact takes a link; an empty name means the name in it.
func (c *Client) AddContact(ctx context.Context, link, name string) (v AddedContact, err error) {
	return v, c.callFor(ctx, relayTime(link), http.MethodPost, "/v1/contacts", addRequest{link, name}, &v)
}

// Log returns the end of the log, oldest first.
func (c *Client) Log(ctx context.Context) (lines []LogLine, err error) {
	return lines, c.call(ctx, http.MethodGet, "/v1/log", nil, &lines)
}

// AddRelay adds and remembers a home relay.
func (c *Client) AddRelay(ctx context.Context, relay string) error {
	return c.call(ctx, http.MethodPost, "/v1/relays", relayRequest{relay}, nil)
}

// ForgetRelay removes a home relay.
func (c *Client) ForgetRelay(ctx context.Context, relay string) error {
	return c.call(ctx, http.MethodDelete, "/v1/relays", relayRequest{relay}, nil)
}

// Send returns when the message is persisted or, with a state to wait for, when
// that is reached, can no longer be reached, or the timeout is over: look at
// the state.
func (c *Client) Send(ctx context.Context, contact, text string, wait State, timeout time.Duration) (v Delivery, err error) {
	req := sendRequest{Contact: contact, Text: text, Wait: wait, Timeout: timeout.String()}
	return v, c.callFor(ctx, timeout+relayTime(contact), http.MethodPost, "/v1/messages", req, &v)
}

// relayTime is how long a call may take because of who is named: NAME@RELAY is asked for.
func relayTime(who string) time.Duration {
	if strings.Contains(who, "@") {
		return RelayTime
	}
	return 0
}

// Await returns how far a message of our own came, as Send does.
func (c *Client) Await(ctx context.Context, id string, wait State, timeout time.Duration) (v Delivery, err error) {
	q := url.Values{"wait": {string(wait)}, "timeout": {timeout.String()}}
	return v, c.callFor(ctx, timeout, http.MethodGet, "/v1/messages/"+url.PathEscape(id)+"?"+q.Encode(), nil, &v)
}

// History calls emit for each message of a conversation, oldest first: the
// newest limit of them, or those behind the message of the id after. A limit of
// 0 means no limit.
func (c *Client) History(ctx context.Context, contact string, limit int, after string, emit func(Message) error) error {
	q := url.Values{"contact": {contact}, "limit": {strconv.Itoa(limit)}, "after": {after}}
	resp, err := c.do(ctx, http.MethodGet, "/v1/messages?"+q.Encode(), nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for dec := json.NewDecoder(resp.Body); ; {
		var line struct {
			Message
			Error string `json:"error"`
			Hint  string `json:"hint"`
			Exit  int    `json:"exit"`
		}
		if err := dec.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return brokenOff(err)
		}
		if line.Exit != ExitOK {
			return &Error{Message: line.Error, Hint: line.Hint, Exit: line.Exit}
		}
		if err := emit(line.Message); err != nil {
			return err
		}
	}
}

// Events calls emit for each event after that id, or for those to come if it is
// 0, until ctx ends or emit returns an error. Before the first it calls ready, if that
// is not nil, with the id that they come after: from then on no event is missed, also by
// who comes back with it.
func (c *Client) Events(ctx context.Context, after uint64, ready func(from uint64), emit func(Event) error) error {
	header := http.Header{}
	if after != 0 {
		header.Set("Last-Event-ID", strconv.FormatUint(after, 10))
	}
	resp, err := c.do(ctx, http.MethodGet, "/v1/events", header, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 2*maxBody)
	for from := uint64(0); lines.Scan(); {
		if ready != nil {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				from, _ = strconv.ParseUint(id, 10, 64)
			}
			if lines.Text() == "" {
				ready(from)
				ready = nil
			}
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return brokenOff(err)
		}
		if err := emit(e); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return brokenOff(lines.Err())
}

func (c *Client) call(ctx context.Context, method, path string, body, v any) error {
	return c.callFor(ctx, 0, method, path, body, v)
}

// callFor makes one call that may wait for that long before it is answered.
func (c *Client) callFor(ctx context.Context, wait time.Duration, method, path string, body, v any) error {
	ctx, cancel := context.WithTimeout(ctx, wait+answerTimeout)
	defer cancel()
	resp, err := c.do(ctx, method, path, nil, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if v == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return brokenOff(err)
	}
	return nil
}

// do sends a request and turns an answer that is none of success into its error.
func (c *Client) do(ctx context.Context, method, path string, header http.Header, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
		content = bytes.NewReader(b)
		if _, secret := body.(BackupRequest); secret {
			content = &wiped{bytes.NewReader(b), b}
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://qpc"+path, content)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, callError(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusRequestHeaderFieldsTooLarge {
		return nil, &Error{Message: "an argument is too long", Exit: ExitUsage}
	}
	e := &Error{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(e); err != nil || e.Exit == ExitOK {
		return nil, &Error{Message: "the daemon answered " + resp.Status, Exit: ExitOther}
	}
	return nil, e
}

func callError(ctx context.Context, err error) error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &Error{Message: "the daemon does not answer", Hint: "see its log, or stop it and start it again", Exit: ExitOther}
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return brokenOff(err)
	}
}

func brokenOff(err error) *Error {
	message := "the daemon broke off"
	if err != nil {
		message += ": " + err.Error()
	}
	return &Error{Message: message, Hint: "is it still running? try again", Exit: ExitOther}
}
