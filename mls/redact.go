package mls

import "log/slog"

const redacted = "[redacted]"

// LogValue keeps the keys out of logs.
func (KeyPackageSecrets) LogValue() slog.Value { return slog.StringValue(redacted) }

// String keeps the keys out of formatted text.
func (KeyPackageSecrets) String() string { return redacted }

// GoString keeps the keys out of %#v.
func (KeyPackageSecrets) GoString() string { return redacted }

// LogValue keeps the epoch's secrets out of logs.
func (*Epoch) LogValue() slog.Value { return slog.StringValue(redacted) }

// String keeps the epoch's secrets out of formatted text.
func (*Epoch) String() string { return redacted }

// GoString keeps the epoch's secrets out of %#v.
func (*Epoch) GoString() string { return redacted }

// LogValue keeps the next epoch's secrets out of logs.
func (*Staged) LogValue() slog.Value { return slog.StringValue(redacted) }

// String keeps the next epoch's secrets out of formatted text.
func (*Staged) String() string { return redacted }

// GoString keeps the next epoch's secrets out of %#v.
func (*Staged) GoString() string { return redacted }
