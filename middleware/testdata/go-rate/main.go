// Program go-rate plays traces on golang.org/x/time/rate: JSON traces on standard input, the answers on
// standard output.
package main

import (
	"encoding/json"
	"log"
	"os"
	"time"

	"golang.org/x/time/rate"
)

// An op is one step of a trace; At is in nanoseconds.
type op struct {
	Kind  string
	At    int64
	N     int
	Limit *float64 // null is infinite
	Which int      // the reservation to cancel, by number
}

type trace struct {
	Limit *float64
	Burst int
	Ops   []op
}

func limitOf(limit *float64) rate.Limit {
	if limit == nil {
		return rate.Inf
	}
	return rate.Limit(*limit)
}

func play(t trace) []any {
	limiter := rate.NewLimiter(limitOf(t.Limit), t.Burst)
	var reservations []*rate.Reservation
	var answers []any
	for _, op := range t.Ops {
		at := time.Unix(1e9, op.At)
		var answer any
		switch op.Kind {
		case "allow":
			answer = limiter.AllowN(at, op.N)
		case "reserve":
			r := limiter.ReserveN(at, op.N)
			reservations = append(reservations, r)
			if r.OK() {
				answer = r.DelayFrom(at)
			}
		case "cancel":
			reservations[op.Which].CancelAt(at)
		case "setLimit":
			limiter.SetLimitAt(at, limitOf(op.Limit))
		case "setBurst":
			limiter.SetBurstAt(at, op.N)
		}
		answers = append(answers, []any{answer, limiter.TokensAt(at)})
	}
	return answers
}

func main() {
	var traces []trace
	if err := json.NewDecoder(os.Stdin).Decode(&traces); err != nil {
		log.Fatal(err)
	}
	answers := make([][]any, len(traces))
	for i, t := range traces {
		answers[i] = play(t)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}
