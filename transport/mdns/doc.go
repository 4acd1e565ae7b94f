// Package mdns finds nodes on the local network by multicast DNS (RFC 6762, RFC
// 6763), and lets one be found. It is for package transport.
//
// It says who announces which addresses, as text, and proves and believes nothing
// of it. Messages are bounded before they are parsed, those from beyond the
// machine's own networks are not read, and what comes too fast is dropped.
package mdns
