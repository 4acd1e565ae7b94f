package transport

// Path is the way that bytes took to a peer, as one word that people and
// programs see.
type Path string

const (
	// PathNone means that there is no way at the moment.
	PathNone Path = "none"
	// PathLAN is a connection to an address on a network that this machine is on.
	PathLAN Path = "lan"
	// PathDirect is any other connection to the peer's own machine.
	PathDirect Path = "direct"
	// PathPunched is a direct connection made by hole punching.
	PathPunched Path = "punched"
)
