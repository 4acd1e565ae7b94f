package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"
)

// The page format of bbolt (its version 2), in the byte order of the machine:
//
//	page     id u64, flags u16, count u16, overflow u32
//	meta     magic u32, version u32, page size u32, flags u32, root u64,
//	         sequence u64, free list u64, high-water mark u64, transaction u64,
//	         FNV-1a of all that, u64
//	branch   count times: offset u32, key size u32, page u64
//	leaf     count times: flags u32, offset u32, key size u32, value size u32
//
// Offsets count from their own element. The value of a leaf element with flag 1
// is a bucket: root u64, sequence u64, and with root 0 a page inside the value.
const (
	pageHeaderSize  = 16
	elementSize     = 16
	metaSize        = 64
	bucketValueSize = 16

	flagBranch = 0x01
	flagLeaf   = 0x02
	flagMeta   = 0x04
	leafBucket = 0x01

	maxTreeDepth = 64
	maxRead      = 1 << 20 // a key, or a bucket inside a value
)

// Check reads the structure of the whole file before bbolt maps it. bbolt trusts
// its pages: a flipped bit in one is a panic, or a fault in the mapped file, in a
// goroutine that nobody can recover. Payloads are not read, they have checksums
// of their own; so it costs one read per page. The errors are
// ErrDamaged, ErrInUse, or those of the file system.
func Check(path string) error {
	// Only the lock is wanted of this: a read-only bbolt follows no page.
	db, err := OpenReadOnly(path)
	if err != nil {
		return checkError(path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	size, err := Size(path)
	if err == nil {
		err = CheckPages(f, size)
	}
	return errors.Join(err, f.Close(), db.Close())
}

// checkError tells a file that is too short for bbolt from one that cannot be
// opened.
func checkError(path string, err error) error {
	info, statErr := os.Stat(path)
	if statErr == nil && !errors.Is(err, ErrNoFile) && info.Size() < 2*int64(os.Getpagesize()) {
		return fmt.Errorf("%w: %d bytes long", ErrDamaged, info.Size())
	}
	return err
}

// checker walks the pages that a meta page reaches. Buckets are independent
// trees, so they are walked on all cores.
type checker struct {
	file     io.ReaderAt
	pageSize int
	high     uint64   // pages below it are in use or free
	seen     []uint64 // one bit per page, set atomically
	buffers  sync.Pool

	// mu guards found, the roots of buckets that are still to be walked.
	mu    sync.Mutex
	found []uint64
}

// CheckPages checks the pages of a file in f, which has that many bytes, as Check
// does. The error is ErrDamaged.
func CheckPages(f io.ReaderAt, size int64) error {
	m, err := readMetas(f)
	if err != nil {
		return err
	}
	if m.pageSize < 512 || m.pageSize > 1<<20 || m.high < 4 || m.high > uint64(size)/uint64(m.pageSize) {
		return fmt.Errorf("%w: %d bytes long, %d pages of %d expected", ErrDamaged, size, m.high, m.pageSize)
	}
	c := &checker{file: f, pageSize: m.pageSize, high: m.high, seen: make([]uint64, m.high/64+1)}
	c.buffers.New = func() any { b := make([]byte, m.pageSize); return &b }
	c.found = []uint64{m.root}
	for len(c.found) > 0 {
		roots := c.found
		c.found = nil
		if err := c.trees(roots); err != nil {
			return err
		}
	}
	return nil
}

// trees walks the trees of some buckets.
func (c *checker) trees(roots []uint64) error {
	var group errgroup.Group
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for i := next.Add(1); i <= int64(len(roots)); i = next.Add(1) {
				if err := c.tree(roots[i-1], nil, nil, 0); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// meta is what a meta page says that is looked at.
type meta struct {
	pageSize                int
	root, high, transaction uint64
}

// readMetas returns the newer one of the two meta pages. Both must be whole: a
// sector is written or not, so no crash tears one, and with the newer one lost
// the older one would silently serve the state before the last commit.
func readMetas(f io.ReaderAt) (meta, error) {
	first, err := readMeta(f, 0)
	if err != nil {
		return meta{}, err
	}
	second, err := readMeta(f, int64(first.pageSize))
	if err != nil {
		return meta{}, err
	}
	if first.pageSize != second.pageSize {
		return meta{}, fmt.Errorf("%w: meta pages differ", ErrDamaged)
	}
	if second.transaction > first.transaction {
		return second, nil
	}
	return first, nil
}

func readMeta(f io.ReaderAt, offset int64) (meta, error) {
	b := make([]byte, pageHeaderSize+metaSize)
	if _, err := f.ReadAt(b, offset); err != nil {
		return meta{}, fmt.Errorf("%w: read meta page: %w", ErrDamaged, err)
	}
	e, body := binary.NativeEndian, b[pageHeaderSize:]
	h := fnv.New64a()
	h.Write(body[:metaSize-8])
	if e.Uint16(b[8:]) != flagMeta || e.Uint64(body[metaSize-8:]) != h.Sum64() {
		return meta{}, fmt.Errorf("%w: meta page at %d", ErrDamaged, offset)
	}
	return meta{
		pageSize:    int(e.Uint32(body[8:])),
		root:        e.Uint64(body[16:]),
		high:        e.Uint64(body[40:]),
		transaction: e.Uint64(body[48:]),
	}, nil
}

// tree checks the pages from id down. All keys are at least low and below high,
// where those are given.
func (c *checker) tree(id uint64, low, high []byte, depth int) error {
	buf := c.buffers.Get().(*[]byte)
	defer c.buffers.Put(buf)
	p, err := c.page(id, *buf)
	if err != nil {
		return err
	}
	if depth > maxTreeDepth {
		return fmt.Errorf("%w: page %d: too deep", ErrDamaged, id)
	}
	return c.elements(p, low, high, depth)
}

// page reads the first page of id into buf and marks it, and what overflows it,
// as seen.
func (c *checker) page(id uint64, buf []byte) (*pageView, error) {
	if id < 2 || id >= c.high {
		return nil, fmt.Errorf("%w: page %d of %d", ErrDamaged, id, c.high)
	}
	offset := int64(id) * int64(c.pageSize)
	if _, err := c.file.ReadAt(buf, offset); err != nil {
		return nil, fmt.Errorf("%w: read page %d: %w", ErrDamaged, id, err)
	}
	p := &pageView{id: id, head: buf, file: c.file, offset: offset}
	overflow := uint64(binary.NativeEndian.Uint32(buf[12:]))
	if binary.NativeEndian.Uint64(buf) != id || overflow >= c.high-id {
		return nil, fmt.Errorf("%w: page %d", ErrDamaged, id)
	}
	p.size = (overflow + 1) * uint64(c.pageSize)
	for i := id; i <= id+overflow; i++ {
		if bit := uint64(1) << (i % 64); atomic.OrUint64(&c.seen[i/64], bit)&bit != 0 {
			return nil, fmt.Errorf("%w: page %d in use twice", ErrDamaged, i)
		}
	}
	return p, nil
}

// pageView is a page with what overflows it, or the page inside a bucket's value.
type pageView struct {
	id     uint64
	head   []byte // its beginning
	size   uint64
	file   io.ReaderAt // the rest, at offset
	offset int64
}

func (p *pageView) flags() uint16 { return binary.NativeEndian.Uint16(p.head[8:]) }
func (p *pageView) count() uint64 { return uint64(binary.NativeEndian.Uint16(p.head[10:])) }

// bytes returns n bytes at off.
func (p *pageView) bytes(off, n uint64) ([]byte, error) {
	if off > p.size || n > p.size-off {
		return nil, fmt.Errorf("%w: page %d: out of bounds", ErrDamaged, p.id)
	}
	if off+n <= uint64(len(p.head)) {
		return p.head[off : off+n], nil
	}
	if n > maxRead {
		return nil, fmt.Errorf("%w: page %d: key too long", ErrDamaged, p.id)
	}
	b := make([]byte, n)
	if _, err := p.file.ReadAt(b, p.offset+int64(off)); err != nil {
		return nil, fmt.Errorf("%w: read page %d: %w", ErrDamaged, p.id, err)
	}
	return b, nil
}

// elements checks the elements of a page: bounds, order, and what they lead to.
func (c *checker) elements(p *pageView, low, high []byte, depth int) error {
	kind := p.flags()
	if kind != flagBranch && kind != flagLeaf || kind == flagBranch && p.count() == 0 {
		return fmt.Errorf("%w: page %d: flags %#x, %d elements", ErrDamaged, p.id, kind, p.count())
	}
	var before *element
	for i := range p.count() {
		e, err := p.element(i)
		if err != nil {
			return err
		}
		if bytes.Compare(e.key, low) < 0 || before != nil && bytes.Compare(before.key, e.key) >= 0 ||
			high != nil && bytes.Compare(e.key, high) >= 0 {
			return fmt.Errorf("%w: page %d: keys out of order", ErrDamaged, p.id)
		}
		if before != nil {
			if err := c.follow(p, before, e.key, depth); err != nil {
				return err
			}
		}
		before = e
	}
	if before == nil {
		return nil
	}
	return c.follow(p, before, high, depth)
}

// element is one entry of a page: a child of a branch, or a value of a leaf.
type element struct {
	key    []byte
	child  uint64 // of a branch
	bucket bool   // the value, at offset, is a bucket
	offset uint64
	size   uint64
}

func (p *pageView) element(i uint64) (*element, error) {
	at := pageHeaderSize + i*elementSize
	b, err := p.bytes(at, elementSize)
	if err != nil {
		return nil, err
	}
	ne := binary.NativeEndian
	e := &element{}
	var offset, keySize uint64
	if p.flags() == flagBranch {
		offset, keySize, e.child = uint64(ne.Uint32(b)), uint64(ne.Uint32(b[4:])), ne.Uint64(b[8:])
	} else {
		offset, keySize, e.size = uint64(ne.Uint32(b[4:])), uint64(ne.Uint32(b[8:])), uint64(ne.Uint32(b[12:]))
		e.bucket = ne.Uint32(b)&leafBucket != 0
		if ne.Uint32(b)&^leafBucket != 0 {
			return nil, fmt.Errorf("%w: page %d: element flags", ErrDamaged, p.id)
		}
	}
	e.offset = at + offset + keySize
	if keySize == 0 || keySize > bolt.MaxKeySize || at+offset < pageHeaderSize+p.count()*elementSize || e.offset+e.size > p.size {
		return nil, fmt.Errorf("%w: page %d: element out of bounds", ErrDamaged, p.id)
	}
	e.key, err = p.bytes(at+offset, keySize)
	return e, err
}

// follow goes down into a child or a bucket. high bounds the keys of a child.
func (c *checker) follow(p *pageView, e *element, high []byte, depth int) error {
	if p.flags() == flagBranch {
		return c.tree(e.child, e.key, high, depth+1)
	}
	if !e.bucket {
		return nil
	}
	if e.size < bucketValueSize {
		return fmt.Errorf("%w: page %d: bucket", ErrDamaged, p.id)
	}
	b, err := p.bytes(e.offset, bucketValueSize)
	if err != nil {
		return err
	}
	if root := binary.NativeEndian.Uint64(b); root != 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.found = append(c.found, root)
		return nil
	}
	return c.inline(p, e, depth)
}

// inline checks a page inside the value of a bucket. bbolt puts only a leaf
// without buckets there, of at most a quarter of a page.
func (c *checker) inline(p *pageView, e *element, depth int) error {
	size := e.size - bucketValueSize
	if size < pageHeaderSize || size > uint64(c.pageSize) {
		return fmt.Errorf("%w: page %d: bucket inside", ErrDamaged, p.id)
	}
	b, err := p.bytes(e.offset+bucketValueSize, size)
	if err != nil {
		return err
	}
	in := &pageView{id: p.id, head: b, size: size}
	if in.flags() != flagLeaf {
		return fmt.Errorf("%w: page %d: bucket inside", ErrDamaged, p.id)
	}
	return c.elements(in, nil, nil, depth+1)
}
