package terminal

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"quicnprotochat/node/localapi"
)

// Line is a line of input, or why there is none.
type Line struct {
	Text string
	Err  error
}

// ReadLines hands out the lines of r until it ends, ctx ends, or a read fails.
// A line that is too long to be sent is an error and skipped. The reading itself
// cannot be ended: it lasts as long as r gives nothing.
func ReadLines(ctx context.Context, r io.Reader) <-chan Line {
	lines := make(chan Line)
	go func() {
		defer close(lines)
		in := bufio.NewReaderSize(r, 2*localapi.MaxText)
		for {
			raw, err := in.ReadSlice('\n')
			line := Line{Text: strings.TrimRight(string(raw), "\r\n")}
			if errors.Is(err, bufio.ErrBufferFull) {
				line = Line{Err: localapi.CheckText(string(raw))}
				for errors.Is(err, bufio.ErrBufferFull) {
					_, err = in.ReadSlice('\n')
				}
			}
			if line.Text != "" || line.Err != nil || err == nil {
				select {
				case lines <- line:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}
