package words

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// Explanation is what was tried for a message.
func Explanation(x localapi.Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, path %s: %s\n", x.State, x.Path, Places(x.Why))
	fmt.Fprintf(&b, "written %s", x.Sent.Local().Format("2006-01-02 15:04:05"))
	if x.State == localapi.Received {
		fmt.Fprintf(&b, ", came in %s", x.Stored.Local().Format("2006-01-02 15:04:05"))
	}
	for _, to := range x.To {
		fmt.Fprintf(&b, "\nto %s: %s", cli.Defuse(to.Name), to.State)
		if len(to.Tries) == 0 && to.State == localapi.Queued {
			b.WriteString(", nothing tried since this node started")
		}
		for _, t := range to.Tries {
			fmt.Fprintf(&b, "\n    %s", tryText(t, x.Sent.Time))
		}
		if to.Next != nil {
			fmt.Fprintf(&b, "\n    next try in %s, and at once when their machine or relay is seen", wait(to.Next.Time))
		}
	}
	if x.State == localapi.Queued {
		b.WriteString("\nqpc ping CONTACT calls them now; qpc netcheck says how this machine is connected")
	}
	return b.String()
}

// wait is how long it is until a time, for people.
func wait(until time.Time) time.Duration {
	return max(time.Until(until).Round(time.Second), time.Second)
}

// tryText is one line about a try for a message of that time.
func tryText(t localapi.Try, sent time.Time) string {
	when := moment(t.Time.Time, sent)
	if t.Times > 1 {
		when += fmt.Sprintf(" to %s, %d times", moment(t.Last.Time, sent), t.Times)
	}
	result := Places(t.Result)
	switch t.Way {
	case "receipt":
		return fmt.Sprintf("%s  %s (%s)", when, result, t.Path)
	case "keys":
		return fmt.Sprintf("%s  what it takes to write to them: %s", when, result)
	}
	who := "their machine"
	if t.Relay != "" {
		who = "their relay " + t.Relay
	}
	if t.OK && t.Path != localapi.PathMailbox {
		result += fmt.Sprintf(" (%s)", t.Path)
	}
	if took, err := time.ParseDuration(t.Took); err == nil && took > 0 {
		result += " after " + t.Took
	}
	return fmt.Sprintf("%s  %s: %s", when, who, result)
}

// moment is a time beside another one: with the day only if it is another day.
func moment(t, beside time.Time) string {
	t, beside = t.Local(), beside.Local()
	if t.Format(time.DateOnly) == beside.Format(time.DateOnly) {
		return t.Format("15:04:05.000")
	}
	return t.Format("2006-01-02 15:04:05")
}

// Ping is how the machine and the relays of somebody answer.
func Ping(p localapi.Ping) string {
	var b strings.Builder
	name := cli.Defuse(p.Name)
	if p.Reached {
		fmt.Fprintf(&b, "%s answers in %s, path %s, at %s", name, p.RTT, p.Path, cmp.Or(Places(p.Addr), "an unknown address"))
		if p.Dialled != "" {
			fmt.Fprintf(&b, "; it took %s to connect", p.Dialled)
		}
	} else {
		fmt.Fprintf(&b, "%s does not answer: %s", name, Places(p.Error))
	}
	for _, t := range p.Tried {
		fmt.Fprintf(&b, "\n    tried %s at %s: %s", Places(t.Addr), t.Time.Local().Format("15:04:05"), cmp.Or(Places(t.Error), "it worked"))
	}
	for _, r := range p.Relays {
		if r.Reached {
			fmt.Fprintf(&b, "\n    relay %s answers in %s", cli.Defuse(r.URL), r.RTT)
		} else {
			fmt.Fprintf(&b, "\n    relay %s does not answer: %s", cli.Defuse(r.URL), Places(r.Error))
		}
	}
	fmt.Fprintf(&b, "\nSo %s.", cli.Defuse(p.Why))
	return b.String()
}
