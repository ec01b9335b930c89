// Go kit as the peer of Kit's HTTP transport.
//
//	gokit server              serves with Go kit, and writes its port
//	gokit proxy URL           serves a reverse proxy of net/http in front of URL, and writes its port
//	gokit client URL          calls URL with Go kit's client, and writes what it got, as JSON
//	gokit load URL            calls URL one call after the other until it is told to end by a line on
//	                          stdin, and writes how the calls went, as JSON
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	httptransport "github.com/go-kit/kit/transport/http"
)

type request struct {
	S string `json:"s"`
}

type response struct {
	V      string `json:"v"`
	status int
}

func (r response) StatusCode() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

func (r response) Headers() http.Header {
	return http.Header{"X-Served-By": {"gokit"}, "Vary": {"a", "b"}}
}

type teapot struct{}

func (teapot) Error() string                { return "short and stout" }
func (teapot) StatusCode() int              { return http.StatusTeapot }
func (teapot) Headers() http.Header         { return http.Header{"X-Enhanced": {"1"}} }
func (teapot) MarshalJSON() ([]byte, error) { return []byte(`{"err":"enhanced"}`), nil }

type busy struct{}

func (busy) Error() string        { return "busy" }
func (busy) StatusCode() int      { return http.StatusServiceUnavailable }
func (busy) Headers() http.Header { return http.Header{"Retry-After": {"3"}} }

func decode(_ context.Context, r *http.Request) (interface{}, error) {
	var req request
	err := json.NewDecoder(r.Body).Decode(&req)
	return req, err
}

func uppercase(ctx context.Context, req interface{}) (interface{}, error) {
	switch s := req.(request).S; s {
	case "teapot":
		return nil, teapot{}
	case "busy":
		return nil, busy{}
	case "plain":
		return nil, errors.New("password=hunter2")
	case "nothing":
		return response{status: http.StatusNoContent}, nil
	case "headers":
		return response{V: fmt.Sprint(ctx.Value(httptransport.ContextKeyRequestXRequestID))}, nil
	default:
		return response{V: strings.ToUpper(s)}, nil
	}
}

func serve(handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return http.Serve(listener, handler)
}

func server() error {
	mux := http.NewServeMux()
	mux.Handle("/uppercase", httptransport.NewServer(uppercase, decode, httptransport.EncodeJSONResponse,
		httptransport.ServerBefore(httptransport.PopulateRequestContext)))
	mux.HandleFunc("/seen", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		json.NewEncoder(w).Encode(map[string]interface{}{
			"method": r.Method, "uri": r.RequestURI, "host": r.Host, "header": r.Header,
			"length": r.ContentLength, "encoding": r.TransferEncoding, "body": string(body),
		})
	})
	return serve(mux)
}

func proxy(target string) error {
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	return serve(httputil.NewSingleHostReverseProxy(to))
}

// answer is what came back of one call.
type answer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
	Err    string      `json:"err,omitempty"`
}

func decodeAnswer(_ context.Context, r *http.Response) (interface{}, error) {
	body, err := io.ReadAll(r.Body)
	return answer{Status: r.StatusCode, Header: r.Header, Body: string(body)}, err
}

func client(target string) error {
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	answers := []answer{}
	for _, s := range []string{"hello", "", "missing", "secret", "busy"} {
		call := httptransport.NewClient("POST", to, httptransport.EncodeJSONRequest, decodeAnswer,
			httptransport.ClientBefore(
				httptransport.SetRequestHeader("X-Request-Id", "a1b2c3d4e5"),
				httptransport.SetRequestHeader("X-Request-Timeout-Ms", "30000"))).Endpoint()
		got, err := call(context.Background(), request{S: s})
		if err != nil {
			answers = append(answers, answer{Err: err.Error()})
			continue
		}
		answers = append(answers, got.(answer))
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func load(target string) error {
	end := make(chan struct{})
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		close(end)
	}()
	counts := map[string]int{}
	fmt.Println("ready")
	for {
		select {
		case <-end:
			return json.NewEncoder(os.Stdout).Encode(counts)
		default:
		}
		r, err := http.Post(target, "application/json", bytes.NewReader([]byte(`{"s":"a"}`)))
		if err != nil {
			kind := "other: " + err.Error()
			switch {
			case errors.Is(err, syscall.ECONNREFUSED):
				kind = "refused"
				time.Sleep(5 * time.Millisecond)
			case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
				kind = "closed"
			}
			counts[kind]++
			continue
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			counts["cut: "+err.Error()]++
		} else if r.StatusCode == 200 && string(body) != `{"v":"A"}` {
			counts["wrong: "+string(body)]++
		} else {
			counts[fmt.Sprint(r.StatusCode)]++
		}
	}
}

func main() {
	run := map[string]func() error{
		"server": server,
		"proxy":  func() error { return proxy(os.Args[2]) },
		"client": func() error { return client(os.Args[2]) },
		"load":   func() error { return load(os.Args[2]) },
	}[os.Args[1]]
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
