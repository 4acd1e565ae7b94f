package database

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"quicnprotochat/node/store/home"

	_ "github.com/ncruces/go-sqlite3/vfs/xts" // registers cipherVFS
)

// The cipher of all files of the database is AES-256-XTS over sectors of 512
// bytes. It is named here and nowhere else.
//
// It must not be a wide-block cipher such as Adiantum while Views read beside
// an Update. Pages in the write-ahead log follow each other every 4120 bytes, so
// a commit writes again the unit in which the last page of the commit before it
// ends. A wide-block cipher changes every byte of that unit, and a reader that
// comes upon it half written gets garbage, not always with an error
// (TestReadersBesideWriter). XTS changes only the blocks of 16 bytes whose
// content changes. The one block that two pages can share holds, of the older
// page, the 8 bytes of the page checksum, which is not looked at in the log.
const (
	cipherVFS  = "xts"
	cipherInfo = "quicnprotochat store xts v1"
	plainVFS   = "os" // of files that are not encrypted
	cipherKey  = 64   // bytes: two AES-256 keys
	cipherUnit = 512  // bytes that are encrypted as one
)

// hexKey derives the key of the cipher, as text for the VFS.
func hexKey(k home.Key) (string, error) {
	b, err := hkdf.Key(sha256.New, k[:], nil, cipherInfo, cipherKey)
	if err != nil {
		return "", fmt.Errorf("derive database key: %w", err)
	}
	return hex.EncodeToString(b), nil
}
