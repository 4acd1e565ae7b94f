package store

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"quicnprotochat/node/store/database"
)

// mayScan lists the tables that are small, and the statements that look at all
// rows by their nature.
var mayScan = []string{
	"SCAN contacts", "SCAN relays", "SCAN hybrid_keys", "SCAN conversations", "SCAN epochs",
	"SCAN outbox USING COVERING INDEX", "SCAN inbox USING COVERING INDEX", "SCAN receipts_due", "SCAN CONSTANT ROW",
	"SCAN messages USING COVERING INDEX messages_counter",                         // Sizes counts them
	"SCAN messages USING COVERING INDEX messages_unread",                          // the unread alone
	"SCAN search VIRTUAL TABLE INDEX 0:=", "SCAN search VIRTUAL TABLE INDEX 64:M", // by number, by words
	"SCAN messages USING INDEX messages_unindexed", // to be emptied
	"SCAN peer_hybrid_keys", "SCAN accounts", "SCAN blocked", "SCAN requests", "SCAN (subquery",
}

// TestPlans calls every method once and then asks SQLite how it would find the
// rows: no statement may go through a table that can be large.
func TestPlans(t *testing.T) {
	s := open(t, Config{})
	var sqls []string
	update(t, s, func(tx *Tx) error {
		v := reflect.ValueOf(tx)
		for m := range v.Type().Methods() {
			args := []reflect.Value{v}
			for i := 1; i < m.Type.NumIn(); i++ {
				args = append(args, reflect.Zero(m.Type.In(i)))
			}
			m.Func.Call(args) // most find nothing
		}
		r := tx.Records(id16(1))
		_, err := r.Get("k")
		err = errors.Join(err, r.Put("k", nil), r.Delete("k"), tx.SetMeta("k", []byte{1}))
		sqls = tx.db.Prepared()
		return err
	})
	if len(sqls) < 70 {
		t.Errorf("only %d statements were prepared", len(sqls))
	}
	view(t, s, func(tx *Tx) error {
		for _, sql := range sqls {
			steps, err := database.List(tx.db, detail, "EXPLAIN QUERY PLAN "+sql)
			if err != nil {
				return err
			}
			for _, step := range steps {
				if strings.HasPrefix(step, "SCAN ") && !allowed(step) {
					t.Errorf("%s:\n%s", sql, step)
				}
				if strings.Contains(step, "TEMP B-TREE") && strings.Contains(sql, "(lamport, author, counter, id) >") {
					t.Errorf("%s:\n%s", sql, step)
				}
			}
		}
		return nil
	})
}

// detail is the last column of an EXPLAIN QUERY PLAN.
func detail(r *database.Row) string {
	for range 3 {
		r.Int()
	}
	return r.Text()
}

func allowed(detail string) bool {
	for _, p := range mayScan {
		if strings.HasPrefix(detail, p) {
			return true
		}
	}
	return false
}
