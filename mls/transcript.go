package mls

// nextTranscript returns confirmed_transcript_hash after a commit (RFC 9420,
// §8.2).
func (s *suite) nextTranscript(interim []byte, a *authenticatedContent) []byte {
	h := s.hasher()
	defer h.release()
	h.w.raw(interim)
	h.w.u16(uint16(a.wireFormat))
	a.content.encode(&h.w)
	h.w.vec(a.auth.signature)
	return h.digest(make([]byte, 0, s.size))
}

// interimTranscript returns interim_transcript_hash, which adds the
// confirmation tag (RFC 9420, §8.2).
func (s *suite) interimTranscript(confirmed, tag []byte) []byte {
	h := s.hasher()
	defer h.release()
	h.w.raw(confirmed)
	h.w.vec(tag)
	return h.digest(make([]byte, 0, s.size))
}
