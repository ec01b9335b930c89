package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/kit/endpoint"
	httptransport "github.com/go-kit/kit/transport/http"
)

// drive calls as often as it can, turn by turn, until the standard input ends. Turns and results are
// those of clients/loop.mjs.
func drive(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	// The default keeps two connections, and would open the others anew for each call.
	connections := &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024}
	call := httptransport.NewClient(
		http.MethodPost,
		u,
		httptransport.EncodeJSONRequest,
		decodeUppercaseResponse,
		httptransport.SetClient(&http.Client{Transport: connections}),
	).Endpoint()

	turns, results := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var asked struct {
			Concurrency int
			Ms          float64
		}
		if err := turns.Decode(&asked); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		start := time.Now()
		calls, err := turn(asked.Concurrency, time.Duration(asked.Ms*float64(time.Millisecond)), call)
		if err != nil {
			return err
		}
		took := time.Since(start).Seconds() * 1000
		if err := results.Encode(map[string]float64{"calls": float64(calls), "ms": took}); err != nil {
			return err
		}
	}
}

// turn counts the calls of some callers in a while.
func turn(concurrency int, length time.Duration, call endpoint.Endpoint) (int64, error) {
	var calls atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, concurrency)
	start := time.Now()
	for i := 0; i < concurrency; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Since(start) < length {
				response, err := call(context.Background(), uppercaseRequest{"hello, world"})
				if err == nil && response.(uppercaseResponse).V != "HELLO, WORLD" {
					err = fmt.Errorf("cannot go on as the answer was %v", response)
				}
				if err != nil {
					failures <- err
					return
				}
				calls.Add(1)
			}
		}()
	}
	group.Wait()
	select {
	case err := <-failures:
		return 0, err
	default:
		return calls.Load(), nil
	}
}
