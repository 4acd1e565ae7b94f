package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"quicnprotochat/node/store/database/crypt"
	"quicnprotochat/node/store/home"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
)

// The write-ahead log is copied into the database when it has this many pages,
// and cut to logLimit bytes after that.
const (
	checkpointPages = 1000
	logLimit        = 8 << 20
)

// conn is one SQLite connection and its prepared statements. It belongs to one
// goroutine at a time.
type conn struct {
	db    *sqlite3.Conn
	disk  *crypt.Disk // nil of a database in clear
	stmts map[string]*sqlite3.Stmt
}

// openConn opens the database file. modeOf names the file whose mode new files
// beside the database get.
func openConn(path string, key home.Key, modeOf string) (*conn, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	disk, err := newDisk(key)
	if err != nil {
		return nil, err
	}
	u := fileURI(path, url.Values{"vfs": {disk.Name()}, "modeof": {modeOf}})
	db, err := sqlite3.OpenFlags(u, sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		disk.Close()
		return nil, classify(err)
	}
	c := &conn{db: db, disk: disk, stmts: make(map[string]*sqlite3.Stmt)}
	// Otherwise a statement is planned anew whenever the number behind LIMIT, and some
	// others, is bound, which takes longer than to run it.
	if _, err := db.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true); err != nil {
		return nil, errors.Join(fmt.Errorf("stable query plans: %w", classify(err)), c.close())
	}
	if err := fts5.Register(db); err != nil {
		return nil, errors.Join(fmt.Errorf("full-text search: %w", classify(err)), c.close())
	}
	err = db.Exec(`
		PRAGMA busy_timeout = 10000;
		PRAGMA temp_store = memory;
		PRAGMA secure_delete = on;
		PRAGMA synchronous = full;
		PRAGMA checkpoint_fullfsync = on;
		PRAGMA trusted_schema = off;
		PRAGMA cell_size_check = on;`)
	if err != nil {
		c.close()
		return nil, classify(err)
	}
	return c, nil
}

// prepareWriter turns on page checksums and the write-ahead log. Both stay with
// the file; on a file that has them this only checks.
func (c *conn) prepareWriter() error {
	if err := c.db.EnableChecksums("main"); err != nil {
		return fmt.Errorf("page checksums: %w", classify(err))
	}
	err := c.db.Exec(fmt.Sprintf(
		"PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = %d; PRAGMA journal_size_limit = %d;",
		checkpointPages, logLimit))
	if err != nil {
		return fmt.Errorf("write-ahead log: %w", classify(err))
	}
	return nil
}

// pragma returns the integer value of a PRAGMA.
func (c *conn) pragma(name string) (int64, error) {
	st, _, err := c.db.Prepare("PRAGMA " + name)
	if err != nil {
		return 0, classify(err)
	}
	defer st.Close()
	var v int64
	if st.Step() {
		v = st.ColumnInt64(0)
	}
	return v, classify(st.Err())
}

// check runs a quick_check of one table, or of all the file with "", and returns
// home.ErrDamaged with what it found.
func (c *conn) check(table string) error {
	argument := "1" // stop at the first thing
	if table != "" {
		argument = sqlite3.QuoteIdentifier(table)
	}
	st, _, err := c.db.Prepare("PRAGMA quick_check(" + argument + ")")
	if err != nil {
		return classify(err)
	}
	defer st.Close()
	for st.Step() {
		if s := st.ColumnText(0); s != "ok" {
			return fmt.Errorf("%w: %s", home.ErrDamaged, s)
		}
	}
	return classify(st.Err())
}

// tables returns the names of all tables.
func (c *conn) tables() (names []string, err error) {
	st, _, err := c.db.Prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
	if err != nil {
		return nil, classify(err)
	}
	defer st.Close()
	for st.Step() {
		names = append(names, st.ColumnText(0))
	}
	return names, classify(st.Err())
}

// stmt returns the prepared statement for a constant SQL text.
func (c *conn) stmt(sql string) (*sqlite3.Stmt, error) {
	if st, ok := c.stmts[sql]; ok {
		return st, nil
	}
	st, tail, err := c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	if st == nil || tail != "" {
		st.Close()
		return nil, fmt.Errorf("not one statement: %s", sql)
	}
	c.stmts[sql] = st
	return st, nil
}

// run executes a statement that takes no arguments and gives no rows.
func (c *conn) run(sql string) error {
	st, err := c.stmt(sql)
	if err != nil {
		return err
	}
	return st.Exec()
}

// rollback ends the present transaction, if there is one, undoing it. It works
// on an interrupted connection too.
func (c *conn) rollback() error {
	c.db.SetInterrupt(context.Background())
	if c.db.GetAutocommit() {
		return nil
	}
	return c.run("ROLLBACK")
}

// close frees the connection.
func (c *conn) close() error {
	for _, st := range c.stmts {
		st.Close()
	}
	err := c.db.Close()
	if c.disk != nil {
		c.disk.Close()
	}
	return err
}

// trimLog cuts a write-ahead log to whole units of the cipher. After a crash or
// on a full disk it can end within one, which cannot be decrypted and would
// stop SQLite. Nothing committed is lost: SQLite fills the sector in which a
// commit ends before it syncs.
func trimLog(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || info.Size()%crypt.Unit == 0 {
		return err
	}
	return os.Truncate(path, info.Size()/crypt.Unit*crypt.Unit)
}
