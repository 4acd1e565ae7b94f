package integration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// serveNATS is NATS JetStream with a stream in files, for all subjects of
// BenchmarkRelay. With always, a publish is acknowledged when it is synced.
func serveNATS(dir string, always bool) (string, error) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: dir, SyncAlways: always,
	})
	if err != nil {
		return "", err
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		return "", errors.New("nats-server does not start")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, js, err := connectNATS(s.ClientURL())
	if err != nil {
		return "", err
	}
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "inboxes", Subjects: []string{"inbox.*"}, Storage: jetstream.FileStorage})
	return s.ClientURL(), err
}

func connectNATS(url string) (*nats.Conn, jetstream.JetStream, error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to nats: %w", err)
	}
	js, err := jetstream.New(nc)
	return nc, js, err
}
