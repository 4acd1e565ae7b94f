package relay

import (
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Numbers of RFC 9420.
const (
	mls10                = 1      // ProtocolVersion, section 6
	credentialBasic      = 1      // section 5.3
	leafSourceKeyPackage = 1      // section 7.2
	extLastResort        = 0x000A // section 17.3
)

// maxLifetime keeps times, in Unix seconds, in a range that can be computed with:
// the year 36812.
const maxLifetime = 1 << 40

var errKeyPackage = errors.New("not a key package")

// keyPackage is what a relay needs to know of a KeyPackage (RFC 9420, section
// 10). The rest is skipped, and nothing is verified.
type keyPackage struct {
	version, suite      uint16
	identity            []byte // of the basic credential
	notBefore, notAfter time.Time
	lastResort          bool
}

// parseKeyPackage reads a bare KeyPackage. Of one that is malformed further on it
// still returns version and suite.
func parseKeyPackage(b []byte) (k keyPackage, err error) {
	s := cryptobyte.String(b)
	var initKey, extensions, signature cryptobyte.String
	if !s.ReadUint16(&k.version) || !s.ReadUint16(&k.suite) {
		return k, errKeyPackage
	}
	if k.version != mls10 {
		return k, errors.New("unknown protocol version")
	}
	if !readVector(&s, &initKey) || !k.readLeaf(&s) || !readVector(&s, &extensions) || !readVector(&s, &signature) || !s.Empty() {
		return k, errKeyPackage
	}
	for !extensions.Empty() {
		var kind uint16
		var data cryptobyte.String
		if !extensions.ReadUint16(&kind) || !readVector(&extensions, &data) {
			return k, errKeyPackage
		}
		k.lastResort = k.lastResort || kind == extLastResort
	}
	return k, nil
}

// readLeaf reads a LeafNode (section 7.2) with a basic credential.
func (k *keyPackage) readLeaf(s *cryptobyte.String) bool {
	var credential uint16
	var identity cryptobyte.String
	ok := skipVectors(s, 2) && // encryption_key, signature_key
		s.ReadUint16(&credential) && credential == credentialBasic && readVector(s, &identity) &&
		skipVectors(s, 5) // Capabilities
	var source uint8
	var notBefore, notAfter uint64
	ok = ok && s.ReadUint8(&source) && source == leafSourceKeyPackage &&
		s.ReadUint64(&notBefore) && s.ReadUint64(&notAfter) &&
		skipVectors(s, 2) // extensions, signature
	k.identity = identity
	k.notBefore = time.Unix(int64(min(notBefore, maxLifetime)), 0)
	k.notAfter = time.Unix(int64(min(notAfter, maxLifetime)), 0)
	return ok
}

func skipVectors(s *cryptobyte.String, n int) bool {
	var skip cryptobyte.String
	for range n {
		if !readVector(s, &skip) {
			return false
		}
	}
	return true
}

// readVector reads a vector of variable size (section 2.1.2): its length in one,
// two or four bytes, as few as will do.
func readVector(s, out *cryptobyte.String) bool {
	var first uint8
	if !s.ReadUint8(&first) || first>>6 == 3 {
		return false
	}
	more := 1<<(first>>6) - 1
	n := int(first & 0x3f)
	for range more {
		var b uint8
		if !s.ReadUint8(&b) {
			return false
		}
		n = n<<8 | int(b)
	}
	if more == 1 && n < 1<<6 || more == 3 && n < 1<<14 {
		return false
	}
	return s.ReadBytes((*[]byte)(out), n)
}
