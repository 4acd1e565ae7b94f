// Package crypt encrypts the files of a SQLite database: a VFS over that of the
// operating system, one for each connection. It is for package database alone.
//
// The cipher is AES-256-XTS of golang.org/x/crypto over units of 512 bytes (IEEE 1619).
// It is the format of
// the VFS "xts" of github.com/ncruces/go-sqlite3, whose files this one reads and
// writes. That one makes a system call for every unit and two more for those that
// are written in part; here the pages that a commit appends to the write-ahead log
// are one write.
//
// # Why XTS
//
// It must not be a wide-block cipher such as Adiantum while others read beside a
// writer. Pages in the write-ahead log follow each other every 4120 bytes, so
// a commit writes again the unit in which the last page of the commit before it
// ends. A wide-block cipher changes every byte of that unit, and a reader that
// comes upon it half written gets garbage, not always with an error
// (TestReadersBesideWriter of package database). XTS changes only the blocks of 16 bytes
// whose content changes. The one block that two pages can share holds, of the older
// page, the 8 bytes of the page checksum, which is not looked at in the log.
//
// # Commits that do not wait
//
// SQLite asks for a sync at each commit, and others before and after it copies the
// log into the database. The first kind can be left out (Disk.Lazy) without asking
// SQLite for another mode, which takes as long as parsing the statement that does so.
// The kinds are told apart by their flags: the connection has to have set
// synchronous=FULL and checkpoint_fullfsync=ON.
//
// # Invariants
//
//   - Once SQLite shows a commit to other connections, its pages are in the file:
//     what is held back is written at the sync that comes before that.
//   - A Disk and its files belong to one goroutine at a time, as the connection does.
package crypt
