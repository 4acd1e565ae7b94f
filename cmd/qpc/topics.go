package main

import "quicnprotochat/cmd/qpc/chat"

// topic is something that qpc help says more about and that is no command.
type topic struct{ name, short, text string }

const exitCodes = `  0  done
  1  anything that is none of the following
  2  wrong usage, or a malformed link, URL or text
  3  no daemon is running for this home
  4  contact unknown or ambiguous; no such account or invite at a relay
  5  the awaited state was not reached in time; delivery goes on
  6  a signature or key is wrong: a changed link, or not the relay that was named
  7  network: address in use, cannot listen
  8  home in use, locked, damaged, of the other kind, from a newer qpc, or on a disk that
     is full or cannot be written; a password that does not open it`

// topics are the topics of qpc help, in the order of the list.
func topics() []topic {
	return []topic{
		{"exit-codes", "The exit codes of all commands.", exitCodes},
		{"slash", "What can be typed in a chat.", chat.Help()},
		{"states", "The states of a message, and the ways it takes.", `A message of your own is
  queued     on this disk, and nowhere else yet
  stored     kept by a relay for the other person
  direct     on the other person's machine
  delivered  their receipt is back
  read       they were shown it, if their chat tells that
  failed     no receipt in 30 days, or it can never arrive
and the path is lan, direct, punched (direct through two NATs), mailbox (a relay), or
none as yet. qpc send says why.
A message to a group is in the state of the member that is furthest behind.`},
		{"home", "Where everything is kept.", `A home is one folder and belongs to one node or one relay: --home DIR, else
$QPC_HOME, else qpc in $XDG_DATA_HOME or ~/.local/share. It holds node.db, which is
encrypted, and node.key, the key to it: a backup needs both, and whoever has both has
you. qpc paths says where they lie, and where the socket is.`},
		{"api", "How other programs use the node.", `The node answers HTTP/JSON on a unix socket that only its user can open:

  curl --unix-socket "$(qpc paths --json | jq -r .socket)" http://qpc/v1/status

GET /v1/openapi.json describes all of it. GET /v1/events is a stream of server-sent
events; with the header Last-Event-ID it goes on behind that id, across restarts too.`},
	}
}

// topicOf finds a topic.
func topicOf(name string) (topic, bool) {
	for _, t := range topics() {
		if t.name == name {
			return t, true
		}
	}
	return topic{}, false
}
