package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/localapi/socket"
)

const (
	// demoTime is how long all of the demo may take.
	demoTime = 3 * time.Minute
	// demoStep is how long one message may take.
	demoStep = 40 * time.Second
)

// demo is a relay and two nodes as processes of this program, in homes that
// are removed at the end.
type demo struct {
	*app
	exe string
	dir string

	relay, a, b *process
	relayURL    string
	// aID and bID are the identities of a and b.
	aID, bID string
}

// step is one thing that the demo shows: do returns when it was seen, and the
// path that was taken.
type step struct {
	name string
	do   func(context.Context) (localapi.Path, error)
}

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show two people and a relay on this machine.",
		Long: `Show two people and a relay on this machine: real processes of this program, in
homes under the directory for temporary files that are removed at the end. Each
step is done when its result was seen on the other side.`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), demoTime)
			defer cancel()
			return a.demo(ctx)
		},
	}
}

func (a *app) demo(ctx context.Context) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	dir, err := os.MkdirTemp("", "qpc-demo-")
	if err != nil {
		return fmt.Errorf("make homes: %w", err)
	}
	defer os.RemoveAll(dir)
	d := &demo{app: a, exe: exe, dir: dir}
	defer d.stop()
	for _, s := range d.steps() {
		began := time.Now()
		path, err := s.do(ctx)
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return ctx.Err()
		case err != nil:
			return d.failed(s, err)
		}
		ms := time.Since(began).Milliseconds()
		err = a.Print(struct {
			Step string        `json:"step"`
			Path localapi.Path `json:"path"`
			MS   int64         `json:"ms"`
		}{s.name, path, ms}, fmt.Sprintf("%-14s path %-8s %6d ms", s.name, path, ms))
		if err != nil {
			return err
		}
	}
	return a.Print(struct {
		OK bool `json:"ok"`
	}{true}, "All of it was seen.")
}

// failed says which step was not seen, with the last words of the processes.
func (d *demo) failed(s step, err error) error {
	hint := ""
	for _, p := range []*process{d.relay, d.a, d.b} {
		if p != nil {
			hint += p.lastWords()
		}
	}
	return &localapi.Error{
		Message: fmt.Sprintf("step %s was not seen: %v", s.name, err),
		Hint:    hint,
		Exit:    localapi.ExitOther,
	}
}

// stop ends the processes that still run.
func (d *demo) stop() {
	for _, p := range []*process{d.a, d.b, d.relay} {
		if p != nil {
			_ = p.stop()
		}
	}
}

func (d *demo) steps() []step {
	const hello, answer, later = "hello b, this is a", "hello a, this is b", "read this when you are back"
	return []step{
		{"relay-ready", d.startRelay},
		{"a-ready", func(ctx context.Context) (_ localapi.Path, err error) {
			d.a, d.aID, err = d.startNode(ctx, "a")
			return localapi.PathNone, err
		}},
		{"b-ready", func(ctx context.Context) (_ localapi.Path, err error) {
			d.b, d.bID, err = d.startNode(ctx, "b")
			return localapi.PathNone, err
		}},
		{"a-to-b", func(ctx context.Context) (localapi.Path, error) {
			if err := d.introduce(ctx); err != nil {
				return "", err
			}
			return d.message(ctx, "a", "b", hello)
		}},
		{"b-to-a", func(ctx context.Context) (localapi.Path, error) {
			return d.message(ctx, "b", "a", answer)
		}},
		{"b-stopped", func(context.Context) (localapi.Path, error) {
			return localapi.PathNone, d.b.stop()
		}},
		{"a-to-b-stored", func(ctx context.Context) (localapi.Path, error) {
			sent, err := d.send(ctx, "a", d.bID, later, localapi.Stored)
			if err == nil && sent.State != localapi.Stored {
				err = fmt.Errorf("the message is %s although b does not run", sent.State)
			}
			return sent.Path, err
		}},
		{"b-back", func(ctx context.Context) (_ localapi.Path, err error) {
			d.b, _, err = d.startNode(ctx, "b")
			return localapi.PathNone, err
		}},
		{"b-has-it", func(ctx context.Context) (localapi.Path, error) {
			return d.seen(ctx, "b", d.aID, later)
		}},
	}
}

func (d *demo) home(name string) string { return filepath.Join(d.dir, name) }

// demoListen keeps the demo on this machine.
const demoListen = "/ip4/127.0.0.1/udp/0/quic-v1"

func (d *demo) startRelay(ctx context.Context) (localapi.Path, error) {
	var ready struct {
		URL string `json:"url"`
	}
	var err error
	d.relay, err = d.start(ctx, &ready, "relay", "run", "--home", d.home("relay"), "--listen", demoListen)
	d.relayURL = ready.URL
	return localapi.PathNone, err
}

func (d *demo) startNode(ctx context.Context, name string) (*process, string, error) {
	var ready localapi.Identity
	p, err := d.start(ctx, &ready, "up", "--home", d.home(name), "--name", name,
		"--listen", demoListen, "--lan", "off", "--relay", d.relayURL)
	return p, ready.Identity, err
}

// introduce gives the link of b to a. That is all: b learns of a from a.
func (d *demo) introduce(ctx context.Context) error {
	var inv localapi.Invite
	if err := d.call(ctx, &inv, "invite", "--home", d.home("b")); err != nil {
		return err
	}
	var added localapi.AddedContact
	if err := d.call(ctx, &added, "contact", "add", inv.Link, "--home", d.home("a")); err != nil {
		return err
	}
	if added.Identity != d.bID {
		return fmt.Errorf("the link of b names %s", added.Identity)
	}
	return nil
}

// message sends a text and returns its path when the receipt is back and the
// other side shows it.
func (d *demo) message(ctx context.Context, from, to, text string) (localapi.Path, error) {
	fromID, toID := d.aID, d.bID
	if from == "b" {
		fromID, toID = toID, fromID
	}
	sent, err := d.send(ctx, from, toID, text, localapi.Delivered)
	if err != nil {
		return "", err
	}
	if _, err := d.seen(ctx, to, fromID, text); err != nil {
		return "", err
	}
	return sent.Path, nil
}

func (d *demo) send(ctx context.Context, from, toID, text string, wait localapi.State) (localapi.Delivery, error) {
	var sent localapi.Delivery
	err := d.call(ctx, &sent, "send", toID, text, "--wait", string(wait), "--timeout", demoStep.String(), "--home", d.home(from))
	return sent, err
}

// seen waits until the history of a home shows the text from that identity,
// once, and returns the path it came by.
func (d *demo) seen(ctx context.Context, name, fromID, text string) (localapi.Path, error) {
	ctx, cancel := context.WithTimeout(ctx, demoStep)
	defer cancel()
	for {
		lines, err := d.history(ctx, name, fromID)
		if err != nil {
			return "", err
		}
		count, path := 0, localapi.PathNone
		for _, m := range lines {
			if m.Text == text && m.From == fromID {
				count, path = count+1, m.Path
			}
		}
		switch {
		case count == 1:
			return path, nil
		case count > 1:
			return "", fmt.Errorf("%s shows it %d times", name, count)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return "", fmt.Errorf("%s does not show it", name)
		}
	}
}

func (d *demo) history(ctx context.Context, name, with string) ([]localapi.Message, error) {
	var lines []localapi.Message
	client := localapi.NewClient(socket.Path(d.home(name)))
	defer client.Close()
	err := client.History(ctx, with, 0, "", func(m localapi.Message) error {
		lines = append(lines, m)
		return nil
	})
	return lines, err
}
