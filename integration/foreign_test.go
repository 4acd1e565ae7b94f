package integration

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"testing"

	"capnproto.org/go/capnp/v3"
	capnprpc "capnproto.org/go/capnp/v3/rpc"
	"github.com/bytemare/ksf"
	"github.com/bytemare/opaque"
	"github.com/quic-go/quic-go"

	"quicnprotochat/schema"
)

// foreigner is another program: it has the schema, Cap'n Proto and QUIC, and
// nothing of ours.
type foreigner struct {
	t    testing.TB
	conn *quic.Conn
	// The stream for all calls, if it keeps to one.
	svc schema.NodeService
}

// newForeigner connects to a relay at HOST:PORT whose certificate has that
// SHA-256, in hex.
func newForeigner(t testing.TB, to, certificate string, more ...func(*tls.Config, *quic.Config)) (*foreigner, error) {
	t.Helper()
	conf := &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{"capnp"},
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if sum := sha256.Sum256(raw[0]); hex.EncodeToString(sum[:]) != certificate {
				return errors.New("another certificate")
			}
			return nil
		},
	}
	quicConf := new(quic.Config)
	for _, change := range more {
		change(conf, quicConf)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	addr, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &quic.Transport{Conn: socket}
	t.Cleanup(func() {
		tr.Close()
		socket.Close()
	})
	conn, err := tr.Dial(ctx, addr, conf, quicConf)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.CloseWithError(0, "") })
	return &foreigner{t: t, conn: conn}, nil
}

// oneStream is a foreigner that makes all its calls on one stream.
func (f *foreigner) oneStream() *foreigner {
	svc, _ := f.session()
	return &foreigner{t: f.t, conn: f.conn, svc: svc}
}

// session opens a stream and asks for the service on it.
func (f *foreigner) session() (svc schema.NodeService, end func()) {
	f.t.Helper()
	s, err := f.conn.OpenStreamSync(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	c := capnprpc.NewConn(capnprpc.NewStreamTransport(bothWays{s}), nil)
	svc = schema.NodeService(c.Bootstrap(f.t.Context()))
	return svc, func() {
		svc.Release()
		c.Close()
	}
}

// bothWays closes both directions of a stream.
type bothWays struct{ *quic.Stream }

func (b bothWays) Close() error {
	b.CancelRead(0)
	return b.Stream.Close()
}

// call makes one call, on a stream of its own unless the foreigner keeps to one.
// what it reads must be copied before it returns.
func call[F interface{ Struct() (R, error) }, R any](f *foreigner, make func(schema.NodeService) (F, capnp.ReleaseFunc), read func(R) error) error {
	f.t.Helper()
	svc, end := f.svc, func() {}
	if !svc.IsValid() {
		svc, end = f.session()
	}
	defer end()
	future, release := make(svc)
	defer release()
	result, err := future.Struct()
	if err == nil && read != nil {
		err = read(result)
	}
	return err
}

// refused reports whether err is a refusal with that code.
func refused(err error, code string) bool {
	return err != nil && strings.Contains(err.Error(), code+":")
}

// auth puts a token into a call.
func auth(token []byte, newAuth func() (schema.Auth, error)) error {
	a, err := newAuth()
	if err != nil {
		return err
	}
	a.SetVersion(1)
	return a.SetAccessToken(token)
}

func (f *foreigner) health() (status string, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_health_Results_Future, capnp.ReleaseFunc) {
		return s.Health(f.t.Context(), nil)
	}, func(r schema.NodeService_health_Results) (err error) {
		status, err = r.Status()
		return err
	})
	return status, err
}

func (f *foreigner) enqueue(token, to, payload []byte) (seq uint64, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_enqueue_Results_Future, capnp.ReleaseFunc) {
		return s.Enqueue(f.t.Context(), func(p schema.NodeService_enqueue_Params) error {
			p.SetVersion(1)
			return errors.Join(p.SetRecipientKey(to), p.SetPayload(payload), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_enqueue_Results) error {
		seq = r.Seq()
		return nil
	})
	return seq, err
}

// envelope is one payload as it was read.
type envelope struct {
	seq  uint64
	data string
}

func envelopes(list schema.Envelope_List, err error) (out []envelope, _ error) {
	if err != nil {
		return nil, err
	}
	for i := range list.Len() {
		data, err := list.At(i).Data()
		if err != nil {
			return nil, err
		}
		out = append(out, envelope{list.At(i).Seq(), string(data)})
	}
	return out, nil
}

func (f *foreigner) fetchWait(token, owner []byte, ms uint64) (got []envelope, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_fetchWait_Results_Future, capnp.ReleaseFunc) {
		return s.FetchWait(f.t.Context(), func(p schema.NodeService_fetchWait_Params) error {
			p.SetVersion(1)
			p.SetTimeoutMs(ms)
			return errors.Join(p.SetRecipientKey(owner), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_fetchWait_Results) (err error) {
		got, err = envelopes(r.Payloads())
		return err
	})
	return got, err
}

func (f *foreigner) peekWait(token, owner []byte, after, ms uint64) (got []envelope, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_peekWait_Results_Future, capnp.ReleaseFunc) {
		return s.PeekWait(f.t.Context(), func(p schema.NodeService_peekWait_Params) error {
			p.SetVersion(1)
			p.SetAfterSeq(after)
			p.SetTimeoutMs(ms)
			return errors.Join(p.SetRecipientKey(owner), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_peekWait_Results) (err error) {
		got, err = envelopes(r.Payloads())
		return err
	})
	return got, err
}

func (f *foreigner) ack(token, owner []byte, upTo uint64) error {
	return call(f, func(s schema.NodeService) (schema.NodeService_ack_Results_Future, capnp.ReleaseFunc) {
		return s.Ack(f.t.Context(), func(p schema.NodeService_ack_Params) error {
			p.SetVersion(1)
			p.SetSeqUpTo(upTo)
			return errors.Join(p.SetRecipientKey(owner), auth(token, p.NewAuth))
		})
	}, nil)
}

func (f *foreigner) uploadKeyPackage(token, owner, pkg []byte) (fingerprint []byte, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_uploadKeyPackage_Results_Future, capnp.ReleaseFunc) {
		return s.UploadKeyPackage(f.t.Context(), func(p schema.NodeService_uploadKeyPackage_Params) error {
			return errors.Join(p.SetIdentityKey(owner), p.SetPackage(pkg), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_uploadKeyPackage_Results) error {
		b, err := r.Fingerprint()
		fingerprint = bytes.Clone(b)
		return err
	})
	return fingerprint, err
}

func (f *foreigner) uploadHybridKey(token, owner, blob []byte) error {
	return call(f, func(s schema.NodeService) (schema.NodeService_uploadHybridKey_Results_Future, capnp.ReleaseFunc) {
		return s.UploadHybridKey(f.t.Context(), func(p schema.NodeService_uploadHybridKey_Params) error {
			return errors.Join(p.SetIdentityKey(owner), p.SetHybridPublicKey(blob), auth(token, p.NewAuth))
		})
	}, nil)
}

func (f *foreigner) fetchKeyPackage(token, owner []byte) (pkg []byte, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_fetchKeyPackage_Results_Future, capnp.ReleaseFunc) {
		return s.FetchKeyPackage(f.t.Context(), func(p schema.NodeService_fetchKeyPackage_Params) error {
			return errors.Join(p.SetIdentityKey(owner), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_fetchKeyPackage_Results) error {
		b, err := r.Package()
		pkg = bytes.Clone(b)
		return err
	})
	return pkg, err
}

func (f *foreigner) fetchHybridKey(token, owner []byte) (blob []byte, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_fetchHybridKey_Results_Future, capnp.ReleaseFunc) {
		return s.FetchHybridKey(f.t.Context(), func(p schema.NodeService_fetchHybridKey_Params) error {
			return errors.Join(p.SetIdentityKey(owner), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_fetchHybridKey_Results) error {
		b, err := r.HybridPublicKey()
		blob = bytes.Clone(b)
		return err
	})
	return blob, err
}

func (f *foreigner) publishEndpoint(token, owner, record []byte) error {
	return call(f, func(s schema.NodeService) (schema.NodeService_publishEndpoint_Results_Future, capnp.ReleaseFunc) {
		return s.PublishEndpoint(f.t.Context(), func(p schema.NodeService_publishEndpoint_Params) error {
			return errors.Join(p.SetIdentityKey(owner), p.SetNodeAddr(record), auth(token, p.NewAuth))
		})
	}, nil)
}

// foreignUser is a person with an account, as another program sees one.
type foreignUser struct {
	name, password string
	id             []byte // the identity that is named
	// signer signs the binding; nil leaves it out.
	signer ed25519.PrivateKey
	token  []byte
}

// opaqueSettings are those of NodeService's OPAQUE, and how passwords are stretched.
func opaqueSettings() (*opaque.Configuration, *opaque.ClientOptions) {
	return &opaque.Configuration{
		OPRF: opaque.RistrettoSha512, AKE: opaque.RistrettoSha512, KSF: ksf.Argon2id,
		KDF: crypto.SHA512, MAC: crypto.SHA512, Hash: crypto.SHA512,
	}, &opaque.ClientOptions{KSFParameters: []uint64{3, 65536, 4}, KSFSalt: make([]byte, 16), KSFLength: 64}
}

// register makes the account at the relay of that key.
func (f *foreigner) register(u *foreignUser, relay []byte) (ok bool, err error) {
	f.t.Helper()
	settings, stretch := opaqueSettings()
	c, err := settings.Client()
	if err != nil {
		f.t.Fatal(err)
	}
	request, err := c.RegistrationInit([]byte(u.password))
	if err != nil {
		f.t.Fatal(err)
	}
	var response []byte
	err = call(f, func(s schema.NodeService) (schema.NodeService_opaqueRegisterStart_Results_Future, capnp.ReleaseFunc) {
		return s.OpaqueRegisterStart(f.t.Context(), func(p schema.NodeService_opaqueRegisterStart_Params) error {
			return errors.Join(p.SetUsername(u.name), p.SetRequest(request.Serialize()))
		})
	}, func(r schema.NodeService_opaqueRegisterStart_Results) error {
		b, err := r.Response()
		response = bytes.Clone(b)
		return err
	})
	if err != nil {
		return false, err
	}
	answer, err := c.Deserialize.RegistrationResponse(response)
	if err != nil {
		f.t.Fatal(err)
	}
	record, _, err := c.RegistrationFinalize(answer, nil, nil, stretch)
	if err != nil {
		f.t.Fatal(err)
	}
	upload := record.Serialize()
	if u.signer != nil {
		m := append([]byte("quicnprotochat bind v1"), relay...)
		m = binary.BigEndian.AppendUint16(m, uint16(len(u.name)))
		m = append(append(m, u.name...), upload...)
		upload = append(upload, ed25519.Sign(u.signer, m)...)
	}
	err = call(f, func(s schema.NodeService) (schema.NodeService_opaqueRegisterFinish_Results_Future, capnp.ReleaseFunc) {
		return s.OpaqueRegisterFinish(f.t.Context(), func(p schema.NodeService_opaqueRegisterFinish_Params) error {
			return errors.Join(p.SetUsername(u.name), p.SetUpload(upload), p.SetIdentityKey(u.id))
		})
	}, func(r schema.NodeService_opaqueRegisterFinish_Results) error {
		ok = r.Success()
		return nil
	})
	return ok, err
}

// login begins a session, and keeps its token.
func (f *foreigner) login(u *foreignUser) error {
	f.t.Helper()
	settings, stretch := opaqueSettings()
	c, err := settings.Client()
	if err != nil {
		f.t.Fatal(err)
	}
	ke1, err := c.GenerateKE1([]byte(u.password))
	if err != nil {
		f.t.Fatal(err)
	}
	var response []byte
	err = call(f, func(s schema.NodeService) (schema.NodeService_opaqueLoginStart_Results_Future, capnp.ReleaseFunc) {
		return s.OpaqueLoginStart(f.t.Context(), func(p schema.NodeService_opaqueLoginStart_Params) error {
			return errors.Join(p.SetUsername(u.name), p.SetRequest(ke1.Serialize()))
		})
	}, func(r schema.NodeService_opaqueLoginStart_Results) error {
		b, err := r.Response()
		response = bytes.Clone(b)
		return err
	})
	if err != nil {
		return err
	}
	ke2, err := c.Deserialize.KE2(response)
	if err != nil {
		f.t.Fatal(err)
	}
	ke3, _, _, err := c.GenerateKE3(ke2, nil, nil, stretch)
	if err != nil {
		return err
	}
	return call(f, func(s schema.NodeService) (schema.NodeService_opaqueLoginFinish_Results_Future, capnp.ReleaseFunc) {
		return s.OpaqueLoginFinish(f.t.Context(), func(p schema.NodeService_opaqueLoginFinish_Params) error {
			return errors.Join(p.SetUsername(u.name), p.SetFinalization(ke3.Serialize()), p.SetIdentityKey(u.id))
		})
	}, func(r schema.NodeService_opaqueLoginFinish_Results) error {
		b, err := r.SessionToken()
		u.token = append([]byte{2}, b...) // 2 is a session
		return err
	})
}
