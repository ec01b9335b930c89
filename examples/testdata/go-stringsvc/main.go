// Command stringsvc is the string service of Go kit's tutorial, to be called by Kit's and to call it.
//
//	stringsvc serve             serves uppercase and count
//	stringsvc serve host:port…  has uppercase done by those
//	stringsvc upper             writes what unicode.ToUpper makes of every code point
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/go-kit/kit/circuitbreaker"
	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/ratelimit"
	"github.com/go-kit/kit/sd"
	"github.com/go-kit/kit/sd/lb"
	httptransport "github.com/go-kit/kit/transport/http"
	"github.com/sony/gobreaker"
	"golang.org/x/time/rate"
)

type request struct {
	S string `json:"s"`
}

type uppercaseResponse struct {
	V   string `json:"v"`
	Err string `json:"err,omitempty"`
}

type countResponse struct {
	V int `json:"v"`
}

var errEmpty = errors.New("Empty string")

func uppercase(_ context.Context, r interface{}) (interface{}, error) {
	s := r.(request).S
	if s == "" {
		return uppercaseResponse{"", errEmpty.Error()}, nil
	}
	return uppercaseResponse{strings.ToUpper(s), ""}, nil
}

func count(_ context.Context, r interface{}) (interface{}, error) {
	return countResponse{len(r.(request).S)}, nil
}

func decode(_ context.Context, r *http.Request) (interface{}, error) {
	var q request
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, err
	}
	return q, nil
}

func encode(_ context.Context, w http.ResponseWriter, response interface{}) error {
	return json.NewEncoder(w).Encode(response)
}

// proxy is the tutorial's, but for the method: it sends a GET with a body, which HTTP gives no meaning.
func proxy(instances []string) endpoint.Endpoint {
	var endpointer sd.FixedEndpointer
	for _, instance := range instances {
		u, err := url.Parse("http://" + instance + "/uppercase")
		if err != nil {
			log.Fatal(err)
		}
		e := httptransport.NewClient("POST", u, httptransport.EncodeJSONRequest, decodeResponse).Endpoint()
		e = circuitbreaker.Gobreaker(gobreaker.NewCircuitBreaker(gobreaker.Settings{}))(e)
		e = ratelimit.NewErroringLimiter(rate.NewLimiter(rate.Every(time.Second), 100))(e)
		endpointer = append(endpointer, e)
	}
	return lb.Retry(3, 250*time.Millisecond, lb.NewRoundRobin(endpointer))
}

func decodeResponse(_ context.Context, r *http.Response) (interface{}, error) {
	var response uppercaseResponse
	if err := json.NewDecoder(r.Body).Decode(&response); err != nil {
		return nil, err
	}
	return response, nil
}

func serve(instances []string) {
	up := endpoint.Endpoint(uppercase)
	if len(instances) > 0 {
		up = proxy(instances)
	}
	mux := http.NewServeMux()
	mux.Handle("/uppercase", httptransport.NewServer(up, decode, encode))
	mux.Handle("/count", httptransport.NewServer(count, decode, encode))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, mux))
}

// unassigned stands for a code point that this version of Unicode does not know.
const unassigned = ^uint32(0)

// assigned leaves out unicode.C, which holds what is not assigned since Go 1.25.
var assigned = []*unicode.RangeTable{
	unicode.Cc, unicode.Cf, unicode.Co,
	unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z,
}

func upper() {
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		code := uint32(unicode.ToUpper(r))
		if !unicode.In(r, assigned...) {
			code = unassigned
		}
		if err := binary.Write(w, binary.BigEndian, code); err != nil {
			log.Fatal(err)
		}
	}
}

func main() {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "serve":
		serve(os.Args[2:])
	case len(os.Args) > 1 && os.Args[1] == "upper":
		upper()
	default:
		log.Fatal("usage: stringsvc serve [host:port…] | upper")
	}
}
