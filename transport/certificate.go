package transport

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

// The life of a host's TLS certificate. The key that signed it is what counts: whoever
// has a clock that is wrong must not be cut off from everybody. libp2p's own begins an
// hour before it was made.
var (
	certificateBegin = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	certificateEnd   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) // RFC 5280, section 4.1.2.5
)

// atAllTimes lets a host's certificate hold at all times. Its numbers are random, as
// those of libp2p's are.
func atAllTimes() (libp2ptls.IdentityOption, error) {
	var numbers [2]*big.Int
	for i := range numbers {
		n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		numbers[i] = n
	}
	return libp2ptls.WithCertTemplate(&x509.Certificate{
		SerialNumber: numbers[0],
		Subject:      pkix.Name{SerialNumber: numbers[1].String()},
		NotBefore:    certificateBegin,
		NotAfter:     certificateEnd,
	}), nil
}
