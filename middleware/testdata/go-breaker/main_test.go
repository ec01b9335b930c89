// Program go-breaker plays traces on github.com/sony/gobreaker in virtual time: JSON traces in the file
// that $TRACES names, the answers in the file that $ANSWERS names. It is a test because only a test has
// virtual time.
package main

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
)

// An op is one step of a trace; At is in nanoseconds, Call the number of the call that begins or ends.
type op struct {
	Kind string
	At   int64
	Call int
}

type trace struct {
	MaxRequests  uint32
	Interval     int64
	BucketPeriod int64
	Timeout      int64
	Trip         uint32
	Ops          []op
}

var (
	errBad      = errors.New("bad")
	errExcluded = errors.New("excluded")
)

func play(t trace) (answers []any) {
	var changes []string
	settings := gobreaker.Settings{
		MaxRequests:  t.MaxRequests,
		Interval:     time.Duration(t.Interval),
		BucketPeriod: time.Duration(t.BucketPeriod),
		Timeout:      time.Duration(t.Timeout),
		IsExcluded:   func(err error) bool { return err == errExcluded },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			changes = append(changes, from.String()+">"+to.String())
		},
	}
	if t.Trip > 0 {
		settings.ReadyToTrip = func(c gobreaker.Counts) bool { return c.TotalFailures >= t.Trip }
	}
	breaker := gobreaker.NewTwoStepCircuitBreaker[any](settings)
	start := time.Now()
	done := map[int]func(error){}
	for _, op := range t.Ops {
		time.Sleep(time.Until(start.Add(time.Duration(op.At))))
		answer := ""
		switch op.Kind {
		case "begin":
			end, err := breaker.Allow()
			if err != nil {
				answer = err.Error()
			} else {
				done[op.Call] = end
			}
		case "succeed":
			done[op.Call](nil)
		case "fail":
			done[op.Call](errBad)
		case "exclude":
			done[op.Call](errExcluded)
		}
		c := [6]uint32{}
		state := breaker.State()
		counts := breaker.Counts()
		c[0], c[1], c[2] = counts.Requests, counts.TotalSuccesses, counts.TotalFailures
		c[3], c[4], c[5] = counts.TotalExclusions, counts.ConsecutiveSuccesses, counts.ConsecutiveFailures
		answers = append(answers, []any{answer, state.String(), c})
	}
	return append(answers, changes)
}

func TestPlay(t *testing.T) {
	input, err := os.ReadFile(os.Getenv("TRACES"))
	if err != nil {
		t.Fatal(err)
	}
	var traces []trace
	if err := json.Unmarshal(input, &traces); err != nil {
		t.Fatal(err)
	}
	answers := make([]any, len(traces))
	for i, one := range traces {
		synctest.Test(t, func(*testing.T) { answers[i] = play(one) })
	}
	output, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv("ANSWERS"), output, 0o600); err != nil {
		t.Fatal(err)
	}
}
