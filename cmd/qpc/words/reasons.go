package words

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// stateWords are what the state of an own message means.
var stateWords = map[localapi.State]string{
	localapi.Queued:    "It is only on this machine so far; it goes out by itself.",
	localapi.Stored:    "A relay has it; their machine fetches it there as soon as it can.",
	localapi.Direct:    "Their machine has it and has not confirmed it yet.",
	localapi.Delivered: "Their machine has it and has confirmed it.",
	localapi.Read:      "They have read it.",
	localapi.Failed:    "It was given up and will not arrive: write it again.",
}

// onlineWords say what an Online other than yes means.
var onlineWords = map[string]string{
	"no":  "This machine is not online: it has no network. Switch on Wi-Fi or plug in the cable.",
	"lan": "The network of this machine leads nowhere else: only people on that network are reached.",
}

// Explanation is what was tried for a message.
func Explanation(x localapi.Explanation) string {
	var b strings.Builder
	if cut := onlineWords[x.Online]; cut != "" && !x.State.Reaches(localapi.Delivered) && x.State != localapi.Received {
		fmt.Fprintf(&b, "%s\n", cut)
	}
	fmt.Fprintf(&b, "%s, path %s: %s\n", x.State, x.Path, Places(x.Why))
	note := x.State == localapi.Delivered && x.Path == localapi.PathNone // it is for nobody else
	if means := stateWords[x.State]; means != "" && len(x.To) == 1 && !note {
		fmt.Fprintf(&b, "%s\n", means)
	}
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
			tryText(&b, t, x.Sent.Time, x.Online == "no")
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

// tryText writes a line about a try for a message of that time, and one for each reason why
// addresses were dialled in vain, unless brief.
func tryText(b *strings.Builder, t localapi.Try, sent time.Time, brief bool) {
	when := moment(t.Time.Time, sent)
	switch {
	case t.Times > 1 && t.Time.Before(sent): // some of them were for an earlier message
		when = moment(t.Last.Time, sent)
	case t.Times > 1:
		when += fmt.Sprintf(" to %s, %d times", moment(t.Last.Time, sent), t.Times)
	}
	fmt.Fprintf(b, "\n    %s  ", when)
	switch t.Way {
	case "receipt":
		fmt.Fprintf(b, "%s (%s)", Places(t.Result), t.Path)
		return
	case "keys":
		b.WriteString(Places(t.Result))
		return
	case "relay":
		fmt.Fprintf(b, "their relay %s: ", cmp.Or(RelayName(t.RelayURL), shortKey(t.Relay)))
	default:
		b.WriteString("their machine: ")
	}
	reasons := dialled(t.Result)
	switch took := took(t.Took); {
	case t.OK && t.Path != localapi.PathMailbox:
		fmt.Fprintf(b, "%s (%s%s)", Places(t.Result), t.Path, prefixed(", ", took))
	case reasons == nil:
		b.WriteString(Places(t.Result) + bracketed(took))
	case len(reasons) == 1:
		b.WriteString(reasons[0].why + bracketed(took))
	default:
		b.WriteString("not reached" + bracketed(took))
	}
	for _, r := range reasons {
		if brief {
			break
		}
		fmt.Fprintf(b, "\n        %s", strings.Join(r.at, ", "))
		if len(reasons) > 1 {
			b.WriteString(": " + r.why)
		}
	}
}

// took is a duration of the local API, "" if it is none.
func took(text string) string {
	if d, err := time.ParseDuration(text); err != nil || d <= 0 {
		return ""
	}
	return text
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func bracketed(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// dialReason is why addresses were dialled in vain.
type dialReason struct {
	why string
	at  []string
}

// dialled reads a result that lists addresses, each with what came of it: of each reason
// once, with its addresses. It is nil if the result is another one.
func dialled(result string) (all []dialReason) {
	for part := range strings.SplitSeq(result, "; ") {
		at, why, ok := strings.Cut(part, ": ")
		switch {
		case ok && strings.HasPrefix(at, "/"):
			at, why = Places(at), Places(why)
			i := slices.IndexFunc(all, func(r dialReason) bool { return r.why == why })
			if i < 0 {
				i, all = len(all), append(all, dialReason{why: why})
			}
			if !slices.Contains(all[i].at, at) {
				all[i].at = append(all[i].at, at)
			}
		case all == nil:
			return nil
		default: // a reason with a semicolon in it, or the cut end of a long list
			all[len(all)-1].why += "; " + Places(part)
		}
	}
	return all
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
	if cut := onlineWords[p.Online]; cut != "" && !p.Reached {
		fmt.Fprintf(&b, "%s\n", cut)
	}
	name := cli.Defuse(p.Name)
	if p.Reached {
		fmt.Fprintf(&b, "%s answers in %s, path %s, at %s", name, p.RTT, p.Path, cmp.Or(Places(p.Addr), "an unknown address"))
		if p.Dialled != "" {
			fmt.Fprintf(&b, "; it took %s to connect", p.Dialled)
		}
	} else {
		b.WriteString(name + silent(p.Error))
	}
	for _, t := range p.Tried {
		if p.Online != "no" {
			fmt.Fprintf(&b, "\n    tried %s at %s: %s", Places(t.Addr), t.Time.Local().Format("15:04:05"), cmp.Or(Places(t.Error), "it worked"))
		}
	}
	for _, r := range p.Relays {
		if r.Reached {
			fmt.Fprintf(&b, "\n    relay %s answers in %s", RelayName(r.URL), r.RTT)
		} else {
			fmt.Fprintf(&b, "\n    relay %s%s", RelayName(r.URL), silent(r.Error))
		}
	}
	fmt.Fprintf(&b, "\nSo %s.", cli.Defuse(p.Why))
	return b.String()
}

// silent says that somebody does not answer, and why if that is more.
func silent(why string) string {
	if why == "" || why == "no answer" {
		return " does not answer"
	}
	return " is not reached: " + Places(why)
}
