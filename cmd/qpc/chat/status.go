package chat

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// whoami says who the node is.
func (c *chat) whoami(ctx context.Context, _ request) error {
	id, err := c.client.Identity(ctx)
	if err != nil {
		return err
	}
	return c.Print(id, id.Identity+"  "+cli.Defuse(id.Name))
}

// status shows what the node is connected to.
func (c *chat) status(ctx context.Context, _ request) error {
	st, err := c.client.Status(ctx)
	if err != nil {
		return err
	}
	return c.Print(st, statusText(st))
}

func statusText(st localapi.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", cli.Defuse(st.Name), st.Identity)
	fmt.Fprintf(&b, "LAN discovery %s\n", lanText(st))
	for _, addr := range st.Addrs {
		fmt.Fprintf(&b, "listening on %s\n", cli.Defuse(addr))
	}
	if len(st.Relays) == 0 {
		b.WriteString("no relay: people who are away get messages when both are here (qpc up --relay URL)\n")
	}
	for _, r := range st.Relays {
		b.WriteString(relayText(r) + "\n")
	}
	for _, p := range st.Peers {
		state := "not connected"
		if p.Connected {
			state = "connected, path " + string(p.Path)
		}
		if p.Suite != "" {
			state += ", " + suiteNote(p)
		}
		fmt.Fprintf(&b, "%s %s\n", cli.Defuse(p.Name), state)
		for _, t := range p.Tried {
			fmt.Fprintf(&b, "    tried %s: %s\n", cli.Defuse(t.Addr), cli.Defuse(cmp.Or(t.Error, "it worked")))
		}
	}
	fmt.Fprintf(&b, "waiting: %d to others, %d to be read in, %d without a key yet", st.Queue.Outbox, st.Queue.Inbox, st.Queue.Unreadable)
	return b.String()
}

// lanText says who finds the node on the LAN.
func lanText(st localapi.Status) string {
	if st.LANMode == "contacts" {
		return "on, for contacts alone"
	}
	return cli.OnOff(st.LAN)
}

// suiteNote says what protects a conversation.
func suiteNote(p localapi.Peer) string {
	if p.PostQuantum {
		return "post-quantum (" + cli.Defuse(p.Suite) + ")"
	}
	return "not post-quantum (" + cli.Defuse(p.Suite) + ")"
}

// relay uses a relay, or lists those in use.
func (c *chat) relay(ctx context.Context, r request) error {
	if len(r.args) > 0 {
		if err := c.client.AddRelay(ctx, r.args[0]); err != nil {
			return err
		}
	}
	st, err := c.client.Status(ctx)
	if err != nil {
		return err
	}
	for _, relay := range st.Relays {
		if err := c.Print(relay, relayText(relay)); err != nil {
			return err
		}
	}
	if len(st.Relays) == 0 {
		c.Note("No relay: people who are away get messages when both are here. /relay URL uses one.")
	}
	return nil
}

func relayText(r localapi.Relay) string {
	state := "reached"
	switch {
	case !r.Reached && r.Error == "":
		state = "not reached yet"
	case !r.Reached:
		state = "not reached: " + cli.Defuse(r.Error)
	}
	if r.Sealed {
		state += ", your contacts can leave mail there without telling it who they are"
	}
	return fmt.Sprintf("relay %s %s", cli.Defuse(r.URL), state)
}

// logs shows the end of the log.
func (c *chat) logs(ctx context.Context, _ request) error {
	lines, err := c.client.Log(ctx)
	if err != nil {
		return err
	}
	for _, l := range lines {
		text := fmt.Sprintf("%s %-5s %s %s", l.Time.Local().Format("2006-01-02 15:04:05"), l.Level, cli.Defuse(l.Message), cli.Defuse(l.Details))
		if err := c.Print(l, strings.TrimSpace(text)); err != nil {
			return err
		}
	}
	return nil
}
