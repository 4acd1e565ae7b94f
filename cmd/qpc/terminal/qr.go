package terminal

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/mdp/qrterminal/v3"
)

// quiet is the empty space around a QR code, in modules.
const quiet = 2

// QR draws a text as a QR code, or says how many columns that would need.
func QR(text string, columns int) string {
	var b bytes.Buffer
	qrterminal.GenerateWithConfig(text, qrterminal.Config{
		Level: qrterminal.L, Writer: &b, HalfBlocks: true, QuietZone: quiet,
		BlackChar: qrterminal.BLACK_BLACK, BlackWhiteChar: qrterminal.BLACK_WHITE,
		WhiteChar: qrterminal.WHITE_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK,
	})
	code := strings.TrimRight(b.String(), "\n")
	first, _, _ := strings.Cut(code, "\n")
	if need := ansi.StringWidth(first); need > columns {
		return fmt.Sprintf("(a QR code of it needs %d columns, here are %d)", need, columns)
	}
	return code
}
