package chat

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
)

// verbs is the table of all verbs, in the order of the help. It is a function
// because /help is one of them.
func verbs() []verb {
	return slices.Concat([]verb{
		{
			slash: "dm", typed: "CONTACT", command: "dm", args: "CONTACT|NAME@RELAY|LINK", do: (*chat).dm, opens: true,
			short: "Write to a person from now on; also NAME@RELAY, a name on the LAN, or a link.",
		},
		{slash: "group", typed: "GROUP", command: "group", args: "GROUP", do: (*chat).group, opens: true, short: "Write to a group from now on."},
		{
			slash: "switch", typed: "[CONVERSATION]", command: "switch", args: "[CONVERSATION]", do: (*chat).switchTo, opens: true,
			short: "Write to that person or group; without one: what is unread.",
		},
		{slash: "unread", command: "unread", do: (*chat).showUnread, short: "List the conversations in which something is unread."},
		{
			slash: "invite", typed: "[CONTACT...]", command: "invite", do: (*chat).invite, flags: qrFlag,
			short: "Make a contact link; in a group also: invite people into it.",
			long: `Make a contact link to give to people: it holds your identity, name, present
addresses and relays, signed. Any number of people may use it. It is good for
30 days: after that nobody new gets in with it, and who did before stays.`,
		},
		{
			slash: "join", typed: "LINK [NAME]", command: "join", args: "LINK|NAME@RELAY", do: (*chat).take, flags: addFlags,
			short: "Take somebody's link, or NAME@RELAY, and write to them.",
		},
		{
			slash: "add", typed: "LINK [NAME]", command: "contact add", args: "LINK|NAME@RELAY|IDENTITY", do: (*chat).take, flags: addFlags,
			short: "Take somebody's link, look up a user name, or ask somebody on the LAN.",
			long: `Take somebody's link. One side is enough: your node introduces itself, and then
the other person can write to you too.

IDENTITY is that of somebody on the LAN (qpc lan), who is asked whether you may write; it
may also be the name there, if only one has it.

NAME@RELAY asks a relay who has that user name; RELAY is its URL, or the host of one
that this node uses. The answer is that relay's claim: make sure that the identity
is the right one. The other person is asked whether you
may write, unless they have added you as well. A node that has no relay uses that one
from then on, so that answers can wait there; one that is only for who has an account
there takes that first.`,
		},
		{slash: "list", command: "list", do: (*chat).list, short: "List people and groups."},
		{slash: "contacts", command: "contacts", do: (*chat).contacts, short: "List the people this node knows."},
		{
			slash: "lan", command: "lan", do: (*chat).nearby, short: "List whom this node hears on the LAN.",
			long: `List whom this node hears on the LAN: contacts by their names, others by what they
call themselves. No name is announced there: your node asks each machine, unless it
hides itself (--lan contacts), over a connection on which the identity is proved. The
name is that machine's word all the same: compare the identity.`,
		},
		{
			slash: "history", typed: "[N]", command: "history", args: "CONVERSATION", about: aboutAnybody, do: (*chat).history, flags: historyFlags,
			short: "Read a conversation, oldest first; the chat shows 20, or N.",
		},
		{
			slash: "reply", typed: "MESSAGE TEXT", command: "reply", args: "CONVERSATION MESSAGE TEXT", about: aboutMessage, do: mark(localapi.MarkReply),
			short: "Answer a message.", long: aboutMessages,
		},
		{
			slash: "react", typed: "MESSAGE [EMOJI]", command: "react", args: "CONVERSATION MESSAGE [EMOJI]", about: aboutMessage, do: mark(localapi.MarkReact),
			short: "Say with an emoji what you feel about a message; without one take that back.", long: aboutMessages,
		},
		{
			slash: "edit", typed: "MESSAGE TEXT", command: "edit", args: "CONVERSATION MESSAGE TEXT", about: aboutMessage, do: mark(localapi.MarkEdit),
			short: "Give a message of yours another text.", long: aboutMessages,
		},
		{
			slash: "delete", typed: "MESSAGE", command: "delete", args: "CONVERSATION MESSAGE", about: aboutMessage, do: mark(localapi.MarkDelete),
			short: "Delete a message of yours, here and for all who have it.", long: aboutMessages,
		},
		{
			slash: "hide", typed: "MESSAGE", command: "hide", args: "CONVERSATION MESSAGE", about: aboutMessage, do: mark(localapi.MarkHide),
			short: "Delete a message here alone.", long: aboutMessages,
		},
		{
			slash: "timer", typed: "[TIME]", command: "timer", args: "CONVERSATION [TIME]", about: aboutAnybody, do: (*chat).timer,
			short: "Let messages disappear that long after they were read; off lets them stay.",
			long: `Let messages disappear, on all sides: TIME is like 30s, 5m or 24h, or off. It is for
what is written from then on. The time runs from when a message was read, for your own
ones from when you wrote them; what nobody reads goes a week after its time. Without a
TIME it shows how the conversation is set.`,
		},
		{
			slash: "receipts", typed: "[on|off]", command: "receipts", args: "CONVERSATION [on|off]", about: aboutAnybody, do: (*chat).receipts,
			short: "Tell the others in a conversation what you have read, or not.",
		},
		{slash: "mute", command: "mute", args: "CONVERSATION", about: aboutAnybody, do: mute(true), short: "Be quiet about what comes in there."},
		{slash: "unmute", command: "unmute", args: "CONVERSATION", about: aboutAnybody, do: mute(false), short: "Call you again for what comes in there."},
		{
			slash: "archive", command: "archive", args: "CONVERSATION", about: aboutAnybody, do: archive(true),
			short: "Put a conversation away until something is said in it.",
			long: `Put a conversation away: it stands at the end of the list, until something is said in
it. Nothing of it is deleted.`,
		},
		{slash: "unarchive", command: "unarchive", args: "CONVERSATION", about: aboutAnybody, do: archive(false), short: "Bring a conversation back."},
		{
			slash: "rename", typed: "NAME", command: "rename", args: "CONVERSATION NAME", about: aboutAnybody, do: (*chat).rename,
			short: "Call a person by another name here, or a group for all its members.",
		},
		{
			slash: "search", typed: "WORDS", command: "search", args: "WORDS", do: (*chat).search, flags: searchFlags,
			short: "Find messages with all of some words, the newest first.",
			long: `Find messages that have all of some words, the newest first; the last word may be
only its beginning. Case and accents do not count.`,
		},
	}, trustVerbs(), []verb{
		{slash: "create", typed: "NAME [CONTACT...]", command: "group create", args: "NAME [CONTACT...]", do: (*chat).createGroup, short: "Make a group and invite people."},
		{slash: "groups", command: "group list", do: (*chat).groups, short: "List the groups of this node."},
		{
			slash: "members", command: "group info", args: "GROUP", about: aboutGroup, do: (*chat).members,
			short: "Show the members, the admins in their order, and the state of the keys.",
		},
		{command: "group invite", args: "GROUP CONTACT...", about: aboutGroup, do: change(localapi.GroupInvite), short: "Invite people, each as soon as its keys can be had."},
		{slash: "remove", typed: "MEMBER...", command: "group remove", args: "GROUP MEMBER...", about: aboutGroup, do: change(localapi.GroupRemove), short: "Remove people from a group."},
		{slash: "promote", typed: "MEMBER...", command: "group promote", args: "GROUP MEMBER...", about: aboutGroup, do: change(localapi.GroupPromote), short: "Make members admins, junior to those there are."},
		{slash: "demote", typed: "MEMBER...", command: "group demote", args: "GROUP MEMBER...", about: aboutGroup, do: change(localapi.GroupDemote), short: "Take that back of admins junior to yourself."},
		{command: "group rename", args: "GROUP NAME", about: aboutGroup, do: change(localapi.GroupRename), short: "Give a group another name."},
		{slash: "update", command: "group update", args: "GROUP", about: aboutGroup, do: change(localapi.GroupUpdate), short: "Give this member of a group fresh keys."},
		{slash: "leave", command: "group leave", args: "GROUP", about: aboutGroup, do: change(localapi.GroupLeave), short: "Leave a group."},
		{slash: "whoami", command: "id", do: (*chat).whoami, short: "Say who this node is."},
		{slash: "status", command: "status", do: (*chat).status, short: "Show connections, relays, and what waits."},
		{command: "logs", do: (*chat).logs, short: "Show the end of the node's log, whatever it was told to write."},
		{
			slash: "why", typed: "[MESSAGE]", command: "why", args: "MESSAGE-ID|CONVERSATION", do: (*chat).why,
			short: "Say what was tried to deliver a message, when, and what came back.",
			long: `Say what was tried to deliver a message, when, and what came back, for each person
that it is for. qpc send and qpc history --json print ids; the name of a
conversation stands for the newest message that you wrote there.`,
		},
		{
			slash: "ping", typed: "[CONTACT]", command: "ping", args: "CONTACT", do: (*chat).ping,
			short: "Call a contact's machine and relays, and say how they answer.",
			long: `Call a contact's machine and relays, and say over which path, how fast, and what
was tried. It exits with 7 if the machine does not answer.`,
		},
		{
			slash: "relay", typed: "[URL]", command: "relay add", args: "[URL]", do: (*chat).relay,
			short: "Use a relay, now and later; without a URL: list those in use.",
		},
		{slash: "forget", typed: "URL", command: "relay forget", args: "URL", do: (*chat).forget, short: "Use a relay no longer."},
		{
			slash: "backup", typed: "FILE", command: "backup create", args: "FILE", do: (*chat).backup, flags: backupFlags,
			short: "Write this node to one encrypted file, and verify that it can be restored.",
		},
		{
			slash: "export", typed: "[FILE]", command: "export", args: "CONVERSATION [FILE]", about: aboutAnybody, do: (*chat).export, flags: exportFlags,
			short: "Write a conversation to a new file, or show all of it.",
			long: `Write a conversation to a new file, or show all of it: as text, or with --format json,
with --json, and in a file whose name ends in .json, as a line of JSON for each message.
Of a FILE it says how many messages it has: {"path","format","messages"} with --json.

  qpc export --format sqlite FILE

writes the store of this node as an SQLite database in clear, for other programs. It
has all your messages and keys, and nothing protects it: whoever reads it has you. Put
in the place of node.db, it is encrypted when the node starts.`,
		},
		{
			slash: "netcheck", command: "netcheck", do: (*chat).netcheck,
			short: "Say how this machine is connected, who can reach it, and what to do about it.",
			long: `Say how this machine is connected and who can reach it: UDP, IPv4, IPv6, how relays
see it, what the NAT and the router do, and how fast the relays answer; and what to do
about it. Relays are asked; without one little can be known.`,
		},
		{slash: "help", typed: "[COMMAND]", do: (*chat).help, short: "Say this, or more about a command."},
		{slash: "quit", do: func(*chat, context.Context, request) error { return errQuit }, short: "End."},
	})
}

// aboutMessages says how messages are named.
const aboutMessages = `A MESSAGE is named by its id, which qpc history --json prints, or the first four or
more digits of it; last is the last one: of yours, where only yours will do, else of
the others. In a chat the number beside a message names it, too: /react 3 :)`

func addFlags(cmd *cobra.Command, r *request) {
	cmd.Flags().StringVar(&r.name, "name", "", "call the person `NAME` (default the name in the link)")
}

// inFlag is the flag that names a conversation to search.
const inFlag = "in"

func searchFlags(cmd *cobra.Command, r *request) {
	cmd.Flags().StringVar(&r.in, inFlag, "", "only in this `CONVERSATION`")
	cmd.Flags().Uint32Var(&r.limit, "limit", 0, "at most the newest `N` (default 50)")
}

func historyFlags(cmd *cobra.Command, r *request) {
	cmd.Flags().Uint32Var(&r.limit, "limit", 0, "at most the newest `N`, or with --after the next N (default all)")
	cmd.Flags().StringVar(&r.after, "after", "", "only what stands behind the message of that `ID`")
}
