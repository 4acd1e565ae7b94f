package transport

import (
	"crypto/rand"
	"crypto/x509"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

// TestCertificateAtAllTimes checks the certificate of a machine whose clock is ahead by
// years: that of a bubble stands at the year 2000.
func TestCertificateAtAllTimes(t *testing.T) {
	priv, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	option, err := atAllTimes()
	if err != nil {
		t.Fatal(err)
	}
	id, err := libp2ptls.NewIdentity(priv, option)
	if err != nil {
		t.Fatal(err)
	}
	config, _ := id.ConfigForPeer("")
	cert, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, ahead := range []time.Duration{0, 50 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(ahead)
			got, err := libp2ptls.PubKeyFromCertChain([]*x509.Certificate{cert})
			if err != nil || !got.Equals(priv.GetPublic()) {
				t.Errorf("in %v: %v", time.Now(), err)
			}
		})
	}
}
