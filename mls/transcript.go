package mls

// nextTranscript returns confirmed_transcript_hash after a commit (RFC 9420,
// §8.2).
func (s *suite) nextTranscript(interim []byte, a *authenticatedContent) []byte {
	var w writer
	w.u16(uint16(a.wireFormat))
	a.content.encode(&w)
	w.vec(a.auth.signature)
	return s.digest(interim, w.b)
}

// interimTranscript returns interim_transcript_hash, which adds the
// confirmation tag (RFC 9420, §8.2).
func (s *suite) interimTranscript(confirmed, tag []byte) []byte {
	var w writer
	w.vec(tag)
	return s.digest(confirmed, w.b)
}
