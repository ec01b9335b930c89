package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-kit/kit/circuitbreaker"
	"github.com/go-kit/kit/metrics"
	kitprometheus "github.com/go-kit/kit/metrics/prometheus"
	"github.com/go-kit/kit/ratelimit"
	httptransport "github.com/go-kit/kit/transport/http"
	"github.com/go-kit/log"
	stdprometheus "github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker"
	"golang.org/x/time/rate"
)

// serve listens until the standard input ends: whoever measures has gone then.
func serve(variant string) error {
	var svc StringService = stringService{}
	uppercase := makeUppercaseEndpoint(svc)
	if variant == "stack" {
		var err error
		if svc, err = observed(svc); err != nil {
			return err
		}
		uppercase = makeUppercaseEndpoint(svc)
		uppercase = circuitbreaker.Gobreaker(gobreaker.NewCircuitBreaker(gobreaker.Settings{}))(uppercase)
		uppercase = ratelimit.NewErroringLimiter(rate.NewLimiter(1e9, 1e6))(uppercase)
	}
	mux := http.NewServeMux()
	mux.Handle("/uppercase", httptransport.NewServer(
		uppercase,
		decodeUppercaseRequest,
		httptransport.EncodeJSONResponse,
	))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().(*net.TCPAddr)
	if err := json.NewEncoder(os.Stdout).Encode(map[string]int{"port": address.Port}); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return http.Serve(listener, mux)
}

// observed wraps the service as stringsvc2 does: instrumenting around logging.
func observed(svc StringService) (StringService, error) {
	// A real file would fill the disk at this rate; each line is written all the same.
	sink, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	svc = loggingMiddleware{log.NewLogfmtLogger(log.NewSyncWriter(sink)), svc}
	labels := []string{"method", "error"}
	return instrumentingMiddleware{
		kitprometheus.NewCounterFrom(stdprometheus.CounterOpts{
			Namespace: "bench",
			Name:      "requests_total",
			Help:      "Number of requests received.",
		}, labels),
		kitprometheus.NewHistogramFrom(stdprometheus.HistogramOpts{
			Namespace: "bench",
			Name:      "request_seconds",
			Help:      "Duration of requests.",
		}, labels),
		svc,
	}, nil
}

type loggingMiddleware struct {
	logger log.Logger
	next   StringService
}

func (mw loggingMiddleware) Uppercase(s string) (output string, err error) {
	defer func(begin time.Time) {
		mw.logger.Log("method", "uppercase", "input", s, "output", output, "err", err, "took", time.Since(begin))
	}(time.Now())
	return mw.next.Uppercase(s)
}

type instrumentingMiddleware struct {
	requests metrics.Counter
	latency  metrics.Histogram
	next     StringService
}

func (mw instrumentingMiddleware) Uppercase(s string) (output string, err error) {
	defer func(begin time.Time) {
		labels := []string{"method", "uppercase", "error", fmt.Sprint(err != nil)}
		mw.requests.With(labels...).Add(1)
		mw.latency.With(labels...).Observe(time.Since(begin).Seconds())
	}(time.Now())
	return mw.next.Uppercase(s)
}
