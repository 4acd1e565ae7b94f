package chat

import (
	"context"
	"fmt"
	"strings"

	"quicnprotochat/cmd/qpc/words"

	"quicnprotochat/cmd/qpc/cli"
)

// whoami says who the node is.
func (c *chat) whoami(ctx context.Context, _ request) error {
	id, err := c.client.Identity(ctx)
	if err != nil {
		return err
	}
	return c.Print(id, id.Identity+"  "+cli.Defuse(id.Name))
}

// status shows what the node is connected to.
func (c *chat) status(ctx context.Context, _ request) error {
	st, err := c.client.Status(ctx)
	if err != nil {
		return err
	}
	return c.Print(st, words.Status(st))
}

// relay uses a relay, or lists those in use.
func (c *chat) relay(ctx context.Context, r request) error {
	if len(r.args) > 0 {
		if err := c.client.AddRelay(ctx, r.args[0]); err != nil {
			return err
		}
	}
	st, err := c.client.Status(ctx)
	if err != nil {
		return err
	}
	for _, relay := range st.Relays {
		if err := c.Print(relay, words.Relay(relay)); err != nil {
			return err
		}
	}
	if len(st.Relays) == 0 {
		c.remark("No relay: people who are away get messages when both are here. qpc relay add URL uses one.")
	}
	return nil
}

// forget uses a relay no longer.
func (c *chat) forget(ctx context.Context, r request) error {
	url := r.args[0]
	if err := c.client.ForgetRelay(ctx, url); err != nil {
		return err
	}
	return c.Print(struct {
		URL string `json:"url"`
	}{url}, "This node uses it no longer: "+cli.Defuse(url))
}

// logs shows the end of the log.
func (c *chat) logs(ctx context.Context, _ request) error {
	lines, err := c.client.Log(ctx)
	if err != nil {
		return err
	}
	for _, l := range lines {
		text := fmt.Sprintf("%s %-5s %s %s", l.Time.Local().Format("2006-01-02 15:04:05"), l.Level, cli.Defuse(l.Message), cli.Defuse(l.Details))
		if err := c.Print(l, strings.TrimSpace(text)); err != nil {
			return err
		}
	}
	return nil
}
