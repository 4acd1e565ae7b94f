package words

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// Status is what a node is connected to and what waits.
func Status(st localapi.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", cli.Defuse(st.Name), st.Identity)
	if cut := onlineWords[st.Online]; cut != "" {
		fmt.Fprintf(&b, "%s\n", cut)
	}
	fmt.Fprintf(&b, "LAN discovery %s\n", lanText(st))
	for _, addr := range st.Addrs {
		addr, _, _ = strings.Cut(addr, "/p2p/")
		fmt.Fprintf(&b, "listening on %s\n", Places(addr))
	}
	if len(st.Relays) == 0 {
		b.WriteString("no relay: people who are away get messages when both are here (qpc relay add URL)\n")
	}
	for _, r := range st.Relays {
		b.WriteString(Relay(r) + "\n")
	}
	for _, p := range st.Peers {
		state := "not connected"
		if p.Connected {
			state = "connected, path " + string(p.Path)
		}
		if p.Suite != "" {
			state += ", " + suiteNote(p.Suite, p.PostQuantum)
		}
		fmt.Fprintf(&b, "%s %s\n", cli.Defuse(p.Name), state)
		for _, t := range p.Tried {
			if st.Online == "no" {
				break // of no use to who reads it
			}
			fmt.Fprintf(&b, "    tried %s: %s\n", Places(t.Addr), cmp.Or(Places(t.Error), "it worked"))
		}
	}
	if st.OlderCopy != nil {
		fmt.Fprintf(&b, "this home was an older copy of itself, noticed %s: conversations were entered anew, and what came since the copy is not here\n",
			st.OlderCopy.Local().Format(time.DateTime))
	}
	b.WriteString(queueText(st.Queue))
	return b.String()
}

// queueText says what waits, and where to ask why.
func queueText(q localapi.Queue) string {
	var all []string
	for _, part := range []struct {
		n    int
		what string
	}{
		{q.Outbox, "sent and not delivered yet (qpc why CONTACT says why)"},
		{q.Inbox, "came in and not opened yet"},
		{q.Unreadable, "came in and no key here opens it yet"},
	} {
		if part.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if len(all) == 0 {
		return "nothing waits"
	}
	return "waiting: " + strings.Join(all, ", ")
}

// lanText says who finds the node on the LAN.
func lanText(st localapi.Status) string {
	if st.LANMode == "contacts" {
		return "on, for contacts alone"
	}
	return cli.OnOff(st.LAN)
}

// suiteNote says what protects a conversation.
func suiteNote(suite string, postQuantum bool) string {
	if postQuantum {
		return "post-quantum (" + cli.Defuse(suite) + ")"
	}
	return "not post-quantum (" + cli.Defuse(suite) + ")"
}

// Relay is a line about a home relay.
func Relay(r localapi.Relay) string {
	state := "reached"
	switch {
	case !r.Reached && r.Error == "":
		state = "not reached yet"
	case !r.Reached:
		state = "not reached: " + Places(r.Error) + " (qpc netcheck says what to do)"
	}
	if r.Sealed {
		state += ", your contacts can leave mail there without telling it who they are"
	}
	return fmt.Sprintf("relay %s %s", cli.Defuse(r.URL), state)
}

// Backup says what is in a copy of a node.
func Backup(b localapi.Backup) string {
	return fmt.Sprintf("%s: %s, %s, %s", cli.Defuse(b.Path), Count(b.Contacts, "contact", "contacts"),
		Count(b.Conversations, "conversation", "conversations"), Count(b.Messages, "message", "messages"))
}
