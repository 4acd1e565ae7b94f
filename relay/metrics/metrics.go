package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"quicnprotochat/relay"
	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

// Metrics are the counters of one relay. Its methods may be called from any
// goroutine, and do not block.
type Metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	refused  *prometheus.CounterVec
	enqueue  prometheus.Histogram
	commit   prometheus.Histogram
	writes   prometheus.Histogram
	depth    prometheus.Histogram
	waiting  prometheus.Gauge
}

// reasons are words for the codes of refusals.
var reasons = map[rpc.Code]string{
	rpc.CodeBadRequest:      "bad_request",
	rpc.CodeUnauthenticated: "unauthenticated",
	rpc.CodeForbidden:       "forbidden",
	rpc.CodeVersion:         "version",
	rpc.CodeNotOffered:      "not_offered",
	rpc.CodeTooLarge:        "too_large",
	rpc.CodeQueueFull:       "inbox_full",
	rpc.CodeBusy:            "over_limit",
	rpc.CodeInternal:        "internal",
	rpc.CodeEndpoint:        "endpoint",
	rpc.CodeKeyPackage:      "key_package",
	rpc.CodeHybridKey:       "hybrid_key",
	rpc.CodeNotRecipient:    "not_recipient",
	rpc.CodeChannel:         "channel",
	rpc.CodeLogin:           "login",
	rpc.CodeUsername:        "user_name",
	rpc.CodeShutdown:        "shutting_down",
	rpc.CodeAccount:         "no_account",
	rpc.CodeInvite:          "invite",
	rpc.CodePass:            "pass",
	rpc.CodeSuite:           "ciphersuite",
	rpc.CodeDeletion:        "login_too_old",
	rpc.CodeBanned:          "banned",
}

// New returns counters at zero.
func New() *Metrics {
	// From a fast disk's sync to what people take for a failure.
	times := prometheus.ExponentialBuckets(0.0002, 2, 16)
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "qpc", Subsystem: "relay", Name: name, Help: help, Buckets: buckets})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "qpc", Subsystem: "relay", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls:    counter("calls_total", "Calls that were answered.", "method"),
		refused:  counter("refused_total", "Calls that were answered with an error.", "method", "code", "reason"),
		enqueue:  histogram("enqueue_seconds", "Time of a deposit that was taken, until it was on the disk.", times),
		commit:   histogram("commit_seconds", "Time of a commit of the store, with its sync.", times),
		writes:   histogram("commit_writes", "Calls that shared one commit.", prometheus.ExponentialBuckets(1, 2, 13)),
		depth:    histogram("inbox_depth", "Payloads in an inbox after a deposit.", prometheus.ExponentialBuckets(1, 2, 12)),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "qpc", Subsystem: "relay", Name: "write_queue", Help: "Writes that waited behind the last commit.",
		}),
	}
	m.registry.MustRegister(m.calls, m.refused, m.enqueue, m.commit, m.writes, m.depth, m.waiting,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Call counts an answered call; it is relay.Config.OnCall.
func (m *Metrics) Call(c rpc.Call) {
	m.calls.WithLabelValues(c.Method).Inc()
	if c.Code != "" {
		reason := reasons[c.Code]
		if reason == "" {
			reason = "other"
		}
		m.refused.WithLabelValues(c.Method, string(c.Code), reason).Inc()
	} else if c.Method == "enqueue" || c.Method == "batchEnqueue" {
		m.enqueue.Observe(c.Took.Seconds())
	}
}

// Commit counts a commit; it is relay.Config.OnCommit.
func (m *Metrics) Commit(c store.Commit) {
	m.commit.Observe(c.Took.Seconds())
	m.writes.Observe(float64(c.Writes))
	m.waiting.Set(float64(c.Waiting))
	for _, depth := range c.Depths {
		m.depth.Observe(float64(depth))
	}
}

// Watch adds what is asked of a relay whenever somebody reads. It is called once.
func (m *Metrics) Watch(r *relay.Relay) { m.registry.MustRegister(&state{relay: r}) }

// state collects the Status of a relay.
type state struct{ relay *relay.Relay }

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("qpc_relay_"+name, help, nil, nil)
}

var (
	descBytes       = describe("stored_bytes", "Bytes of all that is kept.")
	descMaxBytes    = describe("stored_bytes_limit", "The bound of stored_bytes.")
	descFile        = describe("file_bytes", "Size of the file of the store.")
	descConnections = describe("connections", "Streams with NodeService that are open.")
	descCalls       = describe("calls_in_flight", "Calls that are being answered.")
	descWaiters     = describe("waiters", "Calls that wait for mail.")
)

// Describe implements prometheus.Collector.
func (s *state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descBytes, descMaxBytes, descFile, descConnections, descCalls, descWaiters} {
		to <- d
	}
}

// Collect implements prometheus.Collector. A store that failed has no numbers.
func (s *state) Collect(to chan<- prometheus.Metric) {
	st, err := s.relay.Status(context.Background())
	if err != nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	gauge(descBytes, float64(st.Bytes))
	gauge(descMaxBytes, float64(st.MaxBytes))
	gauge(descFile, float64(st.FileBytes))
	gauge(descConnections, float64(st.Connections))
	gauge(descCalls, float64(st.Calls))
	gauge(descWaiters, float64(st.Waiters))
}
