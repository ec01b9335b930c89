package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/kit/endpoint"
	httptransport "github.com/go-kit/kit/transport/http"
)

const warmUp = 500 * time.Millisecond

// drive calls as often as it can, and prints the calls per second for each concurrency.
func drive(target, seconds string, concurrencies []string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	length, err := strconv.ParseFloat(seconds, 64)
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
	if _, err := during(warmUp, 16, call); err != nil {
		return err
	}
	rates := []float64{}
	for _, text := range concurrencies {
		concurrency, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		rate, err := during(time.Duration(length*float64(time.Second)), concurrency, call)
		if err != nil {
			return err
		}
		rates = append(rates, rate)
	}
	return json.NewEncoder(os.Stdout).Encode(rates)
}

// during tells how many calls a second there were.
func during(length time.Duration, concurrency int, call endpoint.Endpoint) (float64, error) {
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
		return float64(calls.Load()) / time.Since(start).Seconds(), nil
	}
}
