package rpc

// TokenKind is the first byte of Auth.accessToken.
type TokenKind byte

// The kinds of access tokens.
const (
	// TokenNone is a call without Auth: health and the OPAQUE calls.
	TokenNone TokenKind = 0x00
	// TokenTLS, alone, means the key that TLS proved (libp2p only).
	TokenTLS TokenKind = 0x01
	// TokenSession is followed by the 32 random bytes of a session.
	TokenSession TokenKind = 0x02
	// TokenPass is followed by a deposit pass.
	TokenPass TokenKind = 0x03
)

// SessionToken is the access token of a session, whose 32 bytes LoginFinish gave.
func SessionToken(session []byte) []byte {
	return append([]byte{byte(TokenSession)}, session...)
}

// PassToken is the access token of a deposit pass, encoded by package rpc/pass.
func PassToken(pass []byte) []byte {
	return append([]byte{byte(TokenPass)}, pass...)
}
