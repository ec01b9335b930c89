// Go kit as the peer of Kit's JSON-RPC transport.
//
//	gokit-jsonrpc server        serves with Go kit, and writes its port
//	gokit-jsonrpc client URL    calls URL with Go kit's client, and writes what it got, as JSON
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/go-kit/kit/endpoint"
	httptransport "github.com/go-kit/kit/transport/http"
	"github.com/go-kit/kit/transport/http/jsonrpc"
)

type sumRequest struct {
	A int `json:"a"`
	B int `json:"b"`
}

type sumResponse struct {
	V int `json:"v"`
}

type failRequest struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// decodeSum fails as the one of addsvc does.
func decodeSum(_ context.Context, params json.RawMessage) (interface{}, error) {
	var req sumRequest
	if err := json.Unmarshal(params, &req); err != nil {
		return nil, &jsonrpc.Error{
			Code:    -32000,
			Message: fmt.Sprintf("couldn't unmarshal body to sum request: %s", err),
		}
	}
	return req, nil
}

func decodeFail(_ context.Context, params json.RawMessage) (interface{}, error) {
	var req failRequest
	err := json.Unmarshal(params, &req)
	return req, err
}

func pass(_ context.Context, params json.RawMessage) (interface{}, error) { return params, nil }

func encode(_ context.Context, response interface{}) (json.RawMessage, error) {
	if response == nil {
		return nil, nil
	}
	return json.Marshal(response)
}

func method(e endpoint.Endpoint, decode jsonrpc.DecodeRequestFunc) jsonrpc.EndpointCodec {
	return jsonrpc.EndpointCodec{Endpoint: e, Decode: decode, Encode: encode}
}

func server() error {
	handler := jsonrpc.NewServer(jsonrpc.EndpointCodecMap{
		"sum": method(func(_ context.Context, req interface{}) (interface{}, error) {
			r := req.(sumRequest)
			return sumResponse{r.A + r.B}, nil
		}, decodeSum),
		"echo": method(func(_ context.Context, req interface{}) (interface{}, error) {
			return req, nil
		}, pass),
		"fail": method(func(_ context.Context, req interface{}) (interface{}, error) {
			r := req.(failRequest)
			if r.Code == 0 {
				return nil, errors.New(r.Message)
			}
			return nil, &jsonrpc.Error{Code: r.Code, Message: r.Message}
		}, decodeFail),
		"seen": method(func(ctx context.Context, _ interface{}) (interface{}, error) {
			return []interface{}{
				ctx.Value(jsonrpc.ContextKeyRequestMethod),
				ctx.Value(httptransport.ContextKeyRequestXRequestID),
				ctx.Value(httptransport.ContextKeyRequestAccept),
			}, nil
		}, pass),
		"nothing": method(endpoint.Nop, pass),
		"none": method(func(context.Context, interface{}) (interface{}, error) {
			return nil, nil
		}, pass),
	}, jsonrpc.ServerBefore(httptransport.PopulateRequestContext))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return http.Serve(listener, handler)
}

// answer is what came back of one call.
type answer struct {
	ID     *jsonrpc.RequestID `json:"id"`
	Result json.RawMessage    `json:"result,omitempty"`
	Error  *jsonrpc.Error     `json:"error,omitempty"`
	Err    string             `json:"err,omitempty"`
}

func decodeAnswer(_ context.Context, r jsonrpc.Response) (interface{}, error) {
	return answer{ID: r.ID, Result: r.Result, Error: r.Error}, nil
}

type fixed struct{ id interface{} }

func (f fixed) Generate() interface{} { return f.id }

func client(target string) error {
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	calls := []struct {
		method string
		params interface{}
		id     interface{}
	}{
		{"sum", sumRequest{1, 2}, 0},
		{"sum", []int{3, 4}, "a"},
		{"sum", map[string]string{"a": "1"}, -1},
		{"gone", nil, 1.5},
		{"fail", nil, 1 << 60},
		{"secret", nil, nil},
		{"own", nil, 7},
		{"who", map[string]string{}, 8},
	}
	answers := []answer{}
	for _, c := range calls {
		call := jsonrpc.NewClient(to, c.method,
			jsonrpc.ClientRequestIDGenerator(fixed{c.id}),
			jsonrpc.ClientResponseDecoder(decodeAnswer),
			jsonrpc.ClientBefore(
				httptransport.SetRequestHeader("X-Request-Id", "a1b2c3d4e5"),
				httptransport.SetRequestHeader("X-Request-Timeout-Ms", "30000"))).Endpoint()
		got, err := call(context.Background(), c.params)
		if err != nil {
			answers = append(answers, answer{Err: err.Error()})
			continue
		}
		answers = append(answers, got.(answer))
	}
	// With all its defaults, Go kit's client makes an error with a code out of an answer.
	_, err = jsonrpc.NewClient(to, "fail").Endpoint()(context.Background(), nil)
	var coded jsonrpc.ErrorCoder
	if errors.As(err, &coded) {
		answers = append(answers, answer{Err: fmt.Sprintf("%d %s", coded.ErrorCode(), err)})
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func main() {
	run := server
	if os.Args[1] == "client" {
		run = func() error { return client(os.Args[2]) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
