package database

import (
	"fmt"
	"strconv"

	"quicnprotochat/node/store/home"
)

// applicationID marks our databases in the header of the file ("qpcn").
const applicationID = 0x7170636e

// migrate applies what is missing, each step in its own transaction.
func migrate(c *conn, tables []string) error {
	version, err := c.pragma("user_version")
	if err != nil {
		return err
	}
	if version == 0 {
		if err := c.db.Exec("PRAGMA application_id = " + strconv.Itoa(applicationID)); err != nil {
			return err
		}
	}
	for n := int(version); n < len(tables); n++ {
		sql := "BEGIN IMMEDIATE;" + tables[n] +
			";PRAGMA user_version = " + strconv.Itoa(n+1) + ";COMMIT"
		if err := c.db.Exec(sql); err != nil {
			c.rollback()
			return fmt.Errorf("migrate to version %d: %w", n+1, err)
		}
	}
	return nil
}

// checkKind refuses a database that this program must not write.
func checkKind(c *conn, tables []string) error {
	id, err := c.pragma("application_id")
	if err != nil {
		return err
	}
	version, err := c.pragma("user_version")
	if err != nil {
		return err
	}
	if id != applicationID {
		return fmt.Errorf("%w: %s is not a node's database", home.ErrDamaged, home.DBFile)
	}
	if version > int64(len(tables)) {
		return fmt.Errorf("%w: version %d, this program knows %d", ErrNewer, version, len(tables))
	}
	if version == 0 {
		return fmt.Errorf("%w: %s has no tables", home.ErrDamaged, home.DBFile)
	}
	return nil
}
