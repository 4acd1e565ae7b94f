// Package punch makes direct connections between two machines that sit behind a
// NAT or a firewall each. It knows no addresses, keys or streams of package
// transport, and no messages.
//
// Who wants a connection asks a relay for a circuit to the other (package
// circuit), and over it both speak DCUtR, libp2p's Direct Connection Upgrade
// through Relay:
//
//	other → asker  CONNECT with its addresses
//	asker → other  CONNECT with its own
//	other → asker  SYNC; half a round trip later both send at once
//
// The asker dials. The other first sends small packets that open its NAT for that
// dial, and after a moment dials too: the asker may be one whom everybody can dial
// and who cannot dial the other. The circuit ends when there is a connection or
// when it is clear that there will be none. A pair of NATs that both choose a port
// for each destination cannot be punched.
//
// Invariants:
//
//   - the addresses of this machine are told only to whom Config.Allowed names, and a
//     circuit from anyone else is closed at once
//   - what the other tells is bounded, and dialled only as far as Config.Take allows
//   - nothing but the above goes over a circuit
//
// It is for package transport.
package punch
