// Package ipspace says what an IP address is good for: from how far away it can be
// dialled, and whether it is on a network of this machine. It opens no sockets and
// knows nothing of ports.
//
// It is for package transport.
package ipspace
