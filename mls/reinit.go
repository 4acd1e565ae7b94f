package mls

import (
	"bytes"
	"fmt"
)

// A ReInit is the group in which a group that was ended goes on (RFC 9420,
// §12.1.5, §11.2).
type ReInit struct {
	GroupID    []byte
	Suite      Suite
	Extensions []Extension
}

func (to ReInit) proposal() *proposal {
	return &proposal{typ: ProposalReInit, reInit: &reInit{
		groupID: bytes.Clone(to.GroupID), version: version10, suite: to.Suite,
		extensions: cloneExtensions(to.Extensions),
	}}
}

func (r *reInit) exported() ReInit {
	return ReInit{GroupID: bytes.Clone(r.groupID), Suite: r.suite, Extensions: cloneExtensions(r.extensions)}
}

func (r *reInit) encode(w *writer) {
	w.vec(r.groupID)
	w.u16(r.version)
	w.u16(uint16(r.suite))
	encodeExtensions(w, r.extensions)
}

func decodeReInit(r *reader) *reInit {
	return &reInit{r.vec(), r.u16(), Suite(r.u16()), decodeExtensions(r)}
}

// Closed returns where the group goes on when the commit that led to this epoch
// ended it; nil in all other epochs. Nothing can be sent in such an epoch: its
// ResumptionPSK begins the new group.
func (e *Epoch) Closed() *ReInit {
	if e.closed == nil {
		return nil
	}
	to := e.closed.exported()
	return &to
}

// ResumptionPSK returns resumption_psk of the epoch (RFC 9420, §8.6), which a
// later commit, or another group of the same members, can mix in.
func (e *Epoch) ResumptionPSK() []byte { return bytes.Clone(e.secrets.resumption) }

// begins returns the id of the pre-shared key by which a group goes on from
// another, nil when it does not. There can be one (RFC 9420, §12.4.3.1).
func begins(ids []*pskID) (*pskID, error) {
	var found *pskID
	for _, id := range ids {
		if id.typ != pskResumption || id.usage == PSKApplication {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("two groups before this one: %w", ErrInvalid)
		}
		found = id
	}
	return found, nil
}

// pskSecret looks up the pre-shared keys of a Welcome and combines them.
func (cfg *JoinConfig) pskSecret(s *suite, ids []*pskID) ([]byte, error) {
	for _, id := range ids {
		if len(id.nonce) != s.size {
			return nil, fmt.Errorf("pre-shared key: nonce: %w", ErrInvalid)
		}
	}
	return s.pskSecretOf(ids, func(id PSKID) ([]byte, error) {
		if p := cfg.Previous; p != nil && id.GroupID != nil && bytes.Equal(id.GroupID, p.context.groupID) && id.Epoch == p.context.epoch {
			return p.secrets.resumption, nil
		}
		if cfg.PSKs == nil {
			return nil, nil
		}
		return cfg.PSKs(id)
	})
}

// checkPrevious verifies that a group goes on from the previous one as RFC 9420,
// §11.2 and §11.3, say. Whether the members are those of before is the caller's
// to check, who knows which identities are one client.
func (cfg *JoinConfig) checkPrevious(ids []*pskID, info *groupInfo) error {
	id, err := begins(ids)
	if err != nil {
		return err
	}
	p := cfg.Previous
	switch {
	case id == nil && p == nil:
		return nil
	case id == nil || p == nil:
		return fmt.Errorf("another group before this one: %w", ErrInvalid)
	case !bytes.Equal(id.groupID, p.context.groupID) || id.epoch != p.context.epoch || info.context.epoch != 1:
		return fmt.Errorf("another group before this one: %w", ErrInvalid)
	}
	if id.usage == PSKBranch {
		if p.closed != nil || info.context.suite != p.suite.id {
			return fmt.Errorf("branch: %w", ErrInvalid)
		}
		return nil
	}
	c := p.closed
	if c == nil || c.version != version10 || !bytes.Equal(info.context.groupID, c.groupID) || info.context.suite != c.suite {
		return fmt.Errorf("reinit: another group: %w", ErrInvalid)
	}
	want, got := writer{}, writer{}
	encodeExtensions(&want, c.extensions)
	encodeExtensions(&got, info.context.extensions)
	if !bytes.Equal(want.b, got.b) {
		return fmt.Errorf("reinit: other extensions: %w", ErrInvalid)
	}
	return nil
}
