package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"quicnprotochat/transport"
)

// maxValue bounds the text of a value, in bytes.
const maxValue = 4 << 10

// list reports whether the setting takes several values.
func (s setting) list() bool {
	switch s.field(new(Config)).(type) {
	case *[]transport.Addr, *[]uint16:
		return true
	}
	return false
}

// set puts a value that was given as text into c. Values of a list add up.
func (s setting) set(c *Config, text string) error {
	if len(text) > maxValue {
		return errors.New("the value is too long")
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return errors.New("the value is empty")
	}
	var err error
	switch p := s.field(c).(type) {
	case *string:
		*p = text
	case *bool:
		*p, err = parseSwitch(text)
	case *int:
		*p, err = parseCount(text)
	case bytes:
		var n int64
		if n, err = parseSize(text); err == nil && n > math.MaxInt {
			err = errSize
		}
		*p.int = int(n)
	case bytes64:
		*p.int64, err = parseSize(text)
	case *time.Duration:
		*p, err = parseTime(text)
	case *slog.Level:
		if p.UnmarshalText([]byte(text)) != nil {
			err = errors.New("not debug, info, warn or error")
		}
	case *[]transport.Addr:
		err = addAddrs(p, text)
	case *[]uint16:
		err = addNumbers(p, text)
	default:
		err = fmt.Errorf("no way to read a %T", p)
	}
	return err
}

var (
	errSize  = errors.New("not a size above zero, like 65536, 64KiB, 10MiB or 8GiB")
	errCount = errors.New("not a whole number above zero")
)

func parseSwitch(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "yes", "on", "true", "1":
		return true, nil
	case "no", "off", "false", "0":
		return false, nil
	}
	return false, errors.New("not yes or no")
}

func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return 0, errCount
	}
	return n, nil
}

// parseSize reads a number of bytes.
func parseSize(text string) (int64, error) {
	shift := 0
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			text, shift = strings.TrimSpace(number), 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift {
		return 0, errSize
	}
	return n << shift, nil
}

func parseTime(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errors.New("not a time above zero, like 90s, 10m or 168h")
	}
	return d, nil
}

func addNumbers(p *[]uint16, text string) error {
	for _, word := range strings.Fields(text) {
		n, err := strconv.ParseUint(word, 0, 16)
		if err != nil {
			return fmt.Errorf("%q is not a number up to 0xFFFF", word)
		}
		*p = append(*p, uint16(n))
	}
	return nil
}

// addAddrs adds addresses to listen on.
func addAddrs(to *[]transport.Addr, text string) error {
	for at := range strings.FieldsSeq(text) {
		a, err := transport.ParseAddr(at)
		if err != nil {
			return fmt.Errorf("%.128q: %w", at, err)
		}
		*to = append(*to, a)
	}
	return nil
}
