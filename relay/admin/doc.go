// Package admin is what the operator of a relay does with it: look at it, check
// it, back it up, restore it, make it smaller. It is for the command that runs and
// operates a relay.
//
// Daemon is a relay that runs, with its socket, its metrics, its audit log, its log, and
// word to the service manager. Operator is the door to all of that. A relay that runs
// answers on a unix socket in its home (Server: HTTP/JSON under /v1, 0600 in a 0700
// directory); with the relay stopped, Operator opens the files itself. It is no way in
// for people who use the relay: they have NodeService.
//
// Invariants:
//   - What one process has open for writing no other one touches: the lock of the
//     store decides, not the socket.
//   - A backup is one moment of the store, is whole or has another name, and was
//     read back before it got its name. It holds the key of the relay: whoever has
//     it can pass for the relay.
//   - A restore makes a home of its own, and none that a relay runs on before it is
//     whole. The restored relay gives no sequence and no key package twice.
//   - The log holds no identity in full, and no address of others unless it is asked
//     for; the audit log holds neither.
//   - Every request, answer and wait is bounded. Who asks for a backup and does not
//     read it is cut off.
package admin
