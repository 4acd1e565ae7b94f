package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/rpc"
)

// The file holds these buckets, beside that of package ledger. Integers are
// big-endian, times are Unix milliseconds, and every value ends in its checksum.
//
//	inboxes      owner 32, channel 16: a bucket of its own, whose sequence is
//	             the inbox's, with
//	               seq u64      an entry (see entry)
//	               0xfe         nothing
//	               0xff         count u64, bytes u64, last use u64, sequence u64
//	payloads     number u64  arrival u64, payload that many entries share
//	refs         number u64  how many entries do, u32
//	stocks       owner 32    see stock.Stock
//	keypackages  owner 32, number u64: the package; number 0 is the last resort
//	hybridkeys   owner 32    arrival u64, blob
//	endpoints    owner 32    seq u64, expiry u64, record
//	generations  owner 32    u64, when it was told, and the generation u32
//	accounts     key 32      see Account
//	bindings     owner 32    key of the account
//	sessions     hash 32     expiry u64, begun u64, key of the account
//	invites      hash 32     expiry u64, created u64, note
//	channels     hash 32     see channel
//	pairs        hash 32     id of the channel
//	made         owner 32    u64, how many channels it made
//
// The key 0xff puts what is known of an inbox on the page of its newest payload, so
// that an append writes one leaf. The sequence is there too since bbolt keeps its own
// without a checksum; a header of before that has none. The key 0xfe fills a place: bbolt
// splits no leaf of four, whatever their size, and of large payloads two, not three, are
// written again beside a new one. Longer keys that begin so are of files of before. The
// count of a shared payload is apart from it, so that an acknowledgement does not write
// the payload again.
var (
	bucketInboxes     = []byte("inboxes")
	bucketPayloads    = []byte("payloads")
	bucketRefs        = []byte("refs")
	bucketStocks      = []byte("stocks")
	bucketKeyPackages = []byte("keypackages")
	bucketHybridKeys  = []byte("hybridkeys")
	bucketEndpoints   = []byte("endpoints")
	bucketGenerations = []byte("generations")
	bucketAccounts    = []byte("accounts")
	bucketBindings    = []byte("bindings")
	bucketSessions    = []byte("sessions")
	bucketInvites     = []byte("invites")
	bucketChannels    = []byte("channels")
	bucketPairs       = []byte("pairs")
	bucketMade        = []byte("made")

	keyHeader = []byte{0xff}
	// behind is behind all entries.
	behind = []byte{0xfe}
)

// Layout is that of the file of a Store, for what is done with one that is not open.
var Layout = ledger.Layout{
	Format: 2,
	Tables: [][]byte{
		bucketInboxes, bucketPayloads, bucketRefs, bucketStocks, bucketKeyPackages, bucketHybridKeys, bucketEndpoints,
		bucketAccounts, bucketBindings, bucketSessions, bucketInvites, bucketChannels, bucketPairs, bucketMade,
	},
	Late:  [][]byte{bucketGenerations},
	Check: checkSequence,
}

const (
	ownerSize    = 32
	inboxKeySize = ownerSize + 16
)

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// key is the name of the inbox's bucket.
func (i Inbox) key() []byte {
	return append(append(make([]byte, 0, inboxKeySize), i.Owner[:]...), i.Channel[:]...)
}

func parseInboxKey(k []byte) (Inbox, bool) {
	if len(k) != inboxKeySize {
		return Inbox{}, false
	}
	return Inbox{Owner: rpc.Identity(k[:ownerSize]), Channel: rpc.Channel(k[ownerSize:])}, true
}

// stamped is a body that begins with a time.
func stamped(at int64, body []byte) []byte {
	b := make([]byte, 0, 8+len(body)+ledger.SumSize)
	return append(binary.BigEndian.AppendUint64(b, uint64(at)), body...)
}

func parseStamped(b []byte) (at int64, body []byte, err error) {
	if len(b) < 8 {
		return 0, nil, ErrDamaged
	}
	return int64(binary.BigEndian.Uint64(b)), b[8:], nil
}

// header is what is known of an inbox without a scan of it.
type header struct {
	count uint64
	bytes uint64 // payloads and their overhead, shared ones too
	used  uint64 // last append, or when it was emptied
	last  uint64 // the highest sequence that it gave; 0 if that is not known
}

func (h header) bytesOf() []byte {
	b := make([]byte, 0, 32+ledger.SumSize)
	b = binary.BigEndian.AppendUint64(b, h.count)
	b = binary.BigEndian.AppendUint64(b, h.bytes)
	b = binary.BigEndian.AppendUint64(b, h.used)
	return binary.BigEndian.AppendUint64(b, h.last)
}

func parseHeader(b []byte) (h header, err error) {
	s := cryptobyte.String(b)
	if !s.ReadUint64(&h.count) || !s.ReadUint64(&h.bytes) || !s.ReadUint64(&h.used) || !s.Empty() && !s.ReadUint64(&h.last) || !s.Empty() {
		return header{}, ErrDamaged
	}
	return h, nil
}

// headerOf reads the header of the inbox at key.
func headerOf(key []byte, b *bolt.Bucket) (h header, err error) {
	body, err := ledger.Unseal(key, keyHeader, b.Get(keyHeader))
	if err != nil {
		return h, err
	}
	return parseHeader(body)
}

func packageKey(owner rpc.Identity, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, ownerSize+8), owner[:]...), number)
}

// endpoint is one stored endpoint record.
type endpoint struct {
	seq    uint64
	expiry int64
	record []byte
}

func (e endpoint) bytesOf() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16+len(e.record)+ledger.SumSize), e.seq)
	b = binary.BigEndian.AppendUint64(b, uint64(e.expiry))
	return append(b, e.record...)
}

func parseEndpoint(b []byte) (e endpoint, err error) {
	s := cryptobyte.String(b)
	var expiry uint64
	if !s.ReadUint64(&e.seq) || !s.ReadUint64(&expiry) {
		return endpoint{}, ErrDamaged
	}
	e.expiry, e.record = int64(expiry), s
	return e, nil
}
