package relay

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

func TestBadConfig(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no directory":        {},
		"unknown access":      {Dir: t.TempDir(), Access: "nobody"},
		"announce with slash": {Dir: t.TempDir(), Announce: "a/b"},
		"payload above cap":   {Dir: t.TempDir(), MaxPayload: 1 << 30},
	} {
		if _, err := New(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: got %v, want ErrConfig", name, err)
		}
	}
}

// keptHere are the fields of Config that the relay itself goes by; each has tests.
var keptHere = map[string]bool{
	"Dir": true, "Listen": true, "Announce": true, "Access": true, "AllowSealedSender": true,
	"MaxPayload": true, "MaxWaiters": true, "Suites": true, "SweepEvery": true, "Options": true,
}

// TestLimitsArrive: each other field, and each in QUIC, changes what a part of the relay
// is made with.
func TestLimitsArrive(t *testing.T) {
	w := newWaiters()
	parts := func(c Config) string {
		return fmt.Sprintf("%+v\n%+v\n%+v\n%+v", c.storeConfig("", w), c.traffic(), c.host(), c.accounts())
	}
	tried := 0
	var try func(name string, c *Config, v reflect.Value)
	try = func(name string, c *Config, v reflect.Value) {
		switch v.Kind() {
		case reflect.Int, reflect.Int64:
			v.SetInt(8 * 123_457)
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		case reflect.Struct:
			for i := range v.NumField() {
				fresh := new(Config)
				try(name+"."+v.Type().Field(i).Name, fresh, reflect.ValueOf(fresh).Elem().FieldByName(name).Field(i))
			}
			return
		default: // functions
			return
		}
		if tried++; parts(*c) == parts(Config{}) {
			t.Errorf("%s goes nowhere", name)
		}
	}
	all := reflect.TypeFor[Config]()
	for i := range all.NumField() {
		if name := all.Field(i).Name; !keptHere[name] {
			c := new(Config)
			try(name, c, reflect.ValueOf(c).Elem().Field(i))
		}
	}
	if tried < 30 {
		t.Errorf("only %d fields were tried", tried)
	}
}
