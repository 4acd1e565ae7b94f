package relay

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

const (
	// maxKeyPackage bounds a key package: less than 1 MB.
	maxKeyPackage = 1<<20 - 1
	// maxHybridKey bounds a hybrid key blob; one of package mls/seal has 1,305
	// bytes.
	maxHybridKey = 4 << 10
	// clockSkew is how wrong the clock of the one who made a key package may be.
	clockSkew = 24 * time.Hour
)

// UploadKeyPackage implements rpc.KeyDirectory. The package must be a KeyPackage
// of an allowed ciphersuite and of the owner, whose lifetime has begun and not
// ended, give or take a day. Its signature is for those who use it to check.
func (s *service) UploadKeyPackage(ctx context.Context, c rpc.Caller, owner rpc.Identity, keyPackage []byte) (fingerprint [32]byte, err error) {
	leave, err := s.enterOwner(c, owner)
	if err != nil {
		return fingerprint, err
	}
	defer leave()
	k, err := s.checkKeyPackage(owner, keyPackage)
	if err != nil {
		return fingerprint, err
	}
	unspend, err := s.traffic.Spend(c.Remote, len(keyPackage)+recordCost)
	if err != nil {
		return fingerprint, err
	}
	fingerprint = sha256.Sum256(keyPackage)
	err = s.store.AddKeyPackage(ctx, owner, store.KeyPackage{
		Data:        keyPackage,
		Fingerprint: fingerprint,
		NotAfter:    k.notAfter.Add(clockSkew),
		LastResort:  k.lastResort,
	})
	if err != nil {
		unspend()
	}
	return fingerprint, wireError(err)
}

func (s *service) checkKeyPackage(owner rpc.Identity, b []byte) (keyPackage, error) {
	if len(b) == 0 || len(b) > maxKeyPackage {
		return keyPackage{}, rpc.ErrKeyPackage.With("key package is empty or has 1 MB or more")
	}
	k, err := parseKeyPackage(b)
	now := s.cfg.Now()
	switch {
	case k.version == mls10 && !slices.Contains(s.cfg.Suites, k.suite):
		return k, rpc.ErrSuite
	case err != nil:
		return k, rpc.ErrKeyPackage.With(err.Error())
	case !slices.Equal(k.identity, owner[:]):
		return k, rpc.ErrKeyPackage.With("credential is not the owner's")
	case !now.Before(k.notAfter.Add(clockSkew)) || now.Before(k.notBefore.Add(-clockSkew)):
		return k, rpc.ErrKeyPackage.With("not within its lifetime")
	}
	return k, nil
}

// FetchKeyPackage implements rpc.KeyDirectory. A single-use package is handed out
// until the caller or all callers together had too many; then, and when there is
// none, the last-resort package. Without that, a caller who had too many gets
// ErrBusy, so that it does not take the stock for empty.
func (s *service) FetchKeyPackage(ctx context.Context, c rpc.Caller, owner rpc.Identity) ([]byte, error) {
	_, leave, err := s.enterAbout(ctx, c, owner)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := rpc.Room(ctx, maxKeyPackage); err != nil {
		return nil, err
	}
	caller := rpc.Identity(callerOf(c))
	spend := s.handouts.reserve(caller, owner)
	h, err := s.store.TakeKeyPackage(ctx, owner, spend)
	if spend && !h.Spent {
		s.handouts.release(caller, owner)
	}
	if err != nil {
		return nil, wireError(err)
	}
	if !h.Spent && len(h.Data) == 0 && h.Left > 0 {
		return nil, rpc.ErrBusy.With("too many key packages of that identity asked for, try again later")
	}
	return h.Data, rpc.Room(ctx, len(h.Data))
}

// UploadHybridKey implements rpc.KeyDirectory. Those who seal to the key check
// its signature and its age.
func (s *service) UploadHybridKey(ctx context.Context, c rpc.Caller, owner rpc.Identity, blob []byte) error {
	leave, err := s.enterOwner(c, owner)
	if err != nil {
		return err
	}
	defer leave()
	if len(blob) == 0 || len(blob) > maxHybridKey {
		return rpc.ErrHybridKey
	}
	return wireError(s.store.SetHybridKey(ctx, owner, blob))
}

// FetchHybridKeys implements rpc.KeyDirectory.
func (s *service) FetchHybridKeys(ctx context.Context, c rpc.Caller, owners []rpc.Identity) ([][]byte, error) {
	_, leave, err := s.enterAbout(ctx, c, owners...)
	if err != nil {
		return nil, err
	}
	defer leave()
	if len(owners) > rpc.MaxBatch {
		return nil, rpc.ErrBadRequest
	}
	if err := rpc.Room(ctx, len(owners)*maxHybridKey); err != nil {
		return nil, err
	}
	blobs, err := s.store.HybridKeys(ctx, owners)
	size := 0
	for _, b := range blobs {
		size += rpc.EnvelopeSize(len(b))
	}
	if err == nil {
		err = rpc.Room(ctx, size)
	}
	return blobs, wireError(err)
}
