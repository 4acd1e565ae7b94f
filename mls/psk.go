package mls

import (
	"bytes"
	"fmt"
)

// PSK types (RFC 9420, §8.4).
const (
	pskExternal   uint8 = 1
	pskResumption uint8 = 2
)

// A pskID is PreSharedKeyID of RFC 9420, §8.4.
type pskID struct {
	typ     uint8
	id      []byte   // external
	usage   PSKUsage // resumption, as the next two
	groupID []byte
	epoch   uint64
	nonce   []byte
}

func (p *pskID) encode(w *writer) {
	w.u8(p.typ)
	if p.typ == pskExternal {
		w.vec(p.id)
	} else {
		w.u8(uint8(p.usage))
		w.vec(p.groupID)
		w.u64(p.epoch)
	}
	w.vec(p.nonce)
}

func decodePSKID(r *reader) *pskID {
	p := &pskID{typ: r.u8()}
	switch p.typ {
	case pskExternal:
		p.id = r.vec()
	case pskResumption:
		p.usage = PSKUsage(r.u8())
		if p.usage < PSKApplication || p.usage > PSKBranch {
			r.fail()
		}
		p.groupID = r.vec()
		p.epoch = r.u64()
	default:
		r.fail()
	}
	p.nonce = r.key()
	return p
}

// A PSKID names a pre-shared key (RFC 9420, §8.4): an external one by ID, or
// the resumption secret of an epoch by GroupID and Epoch.
type PSKID struct {
	// ID of an external key; nil for a resumption secret.
	ID []byte
	// Usage, GroupID and Epoch of a resumption secret.
	Usage   PSKUsage
	GroupID []byte
	Epoch   uint64
}

// A PSKUsage is ResumptionPSKUsage of RFC 9420, §8.4.
type PSKUsage uint8

// The usages of a resumption secret. Zero means PSKApplication.
const (
	PSKApplication PSKUsage = 1
	PSKReInit      PSKUsage = 2
	PSKBranch      PSKUsage = 3
)

// PSKs returns the secret of a pre-shared key, or nil when it is not there.
type PSKs func(PSKID) ([]byte, error)

// fresh returns the id with a nonce of its own, as a proposal carries it.
func (p PSKID) fresh(s *suite) *pskID {
	if p.GroupID == nil {
		return &pskID{typ: pskExternal, id: bytes.Clone(p.ID), nonce: random(s.size)}
	}
	usage := p.Usage
	if usage == 0 {
		usage = PSKApplication
	}
	return &pskID{typ: pskResumption, usage: usage, groupID: bytes.Clone(p.GroupID), epoch: p.Epoch, nonce: random(s.size)}
}

// exported returns the id as the caller knows it.
func (p *pskID) exported() PSKID {
	if p.typ == pskExternal {
		return PSKID{ID: bytes.Clone(p.id)}
	}
	return PSKID{Usage: p.usage, GroupID: bytes.Clone(p.groupID), Epoch: p.epoch}
}

// pskSecrets looks the keys up.
func pskSecrets(ids []*pskID, get PSKs) ([][]byte, error) {
	var list [][]byte
	for _, id := range ids {
		if get == nil {
			return nil, ErrPSK
		}
		secret, err := get(id.exported())
		if err != nil {
			return nil, fmt.Errorf("pre-shared key: %w", err)
		}
		if secret == nil {
			return nil, ErrPSK
		}
		list = append(list, secret)
	}
	return list, nil
}

// pskSecret combines pre-shared keys into psk_secret (RFC 9420, §8.4); without
// any it is zero.
func (s *suite) pskSecret(ids []*pskID, secrets [][]byte) ([]byte, error) {
	out := s.zeros()
	for i, id := range ids {
		extracted := s.extract(s.zeros(), secrets[i])
		var label writer
		id.encode(&label)
		label.u16(uint16(i))
		label.u16(uint16(len(ids)))
		input, err := s.expandWithLabel(extracted, "derived psk", label.b, s.size)
		clear(extracted)
		if err != nil {
			return nil, err
		}
		next := s.extract(input, out)
		clear(input)
		clear(out)
		out = next
	}
	return out, nil
}

// pskSecretOf looks pre-shared keys up and combines them.
func (s *suite) pskSecretOf(ids []*pskID, get PSKs) ([]byte, error) {
	if len(ids) > 1<<16-1 {
		return nil, fmt.Errorf("%d pre-shared keys: %w", len(ids), ErrInvalid)
	}
	secrets, err := pskSecrets(ids, get)
	if err != nil {
		return nil, err
	}
	return s.pskSecret(ids, secrets)
}
