// Go kit's NATS transport as a peer of Kit's: `gokit server URL` and `gokit client URL`.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/go-kit/kit/endpoint"
	natstransport "github.com/go-kit/kit/transport/nats"
	"github.com/nats-io/nats.go"
)

func main() {
	nc, err := nats.Connect(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if os.Args[1] == "server" {
		serve(nc)
	} else {
		call(nc)
	}
	nc.Close()
}

type uppercaseRequest struct {
	S string `json:"s"`
}

type uppercaseResponse struct {
	V   string `json:"v"`
	Err string `json:"err,omitempty"`
}

type headersKey struct{}

// serve answers until its input ends.
func serve(nc *nats.Conn) {
	uppercase := func(_ context.Context, request interface{}) (interface{}, error) {
		s := request.(uppercaseRequest).S
		if s == "" {
			return uppercaseResponse{Err: "empty string"}, nil
		}
		if s == "boom" {
			return nil, errors.New("boom <1>")
		}
		return uppercaseResponse{V: strings.ToUpper(s)}, nil
	}
	decode := func(_ context.Context, msg *nats.Msg) (interface{}, error) {
		var request uppercaseRequest
		err := json.Unmarshal(msg.Data, &request)
		return request, err
	}
	subscribe(nc, "gokit.uppercase", uppercase, decode)

	// Tells the headers that came.
	headers := func(ctx context.Context, _ interface{}) (interface{}, error) {
		return ctx.Value(headersKey{}), nil
	}
	subscribe(nc, "gokit.headers", headers, natstransport.NopRequestDecoder,
		natstransport.SubscriberBefore(func(ctx context.Context, msg *nats.Msg) context.Context {
			return context.WithValue(ctx, headersKey{}, map[string][]string(msg.Header))
		}))

	subscribe(nc, "gokit.nothing", endpoint.Nop, natstransport.NopRequestDecoder)
	if err := nc.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
	}
}

func subscribe(nc *nats.Conn, subject string, e endpoint.Endpoint, decode natstransport.DecodeRequestFunc, options ...natstransport.SubscriberOption) {
	subscriber := natstransport.NewSubscriber(e, decode, natstransport.EncodeJSONResponse, options...)
	if _, err := nc.QueueSubscribe(subject, "gokit", subscriber.ServeMsg(nc)); err != nil {
		log.Fatal(err)
	}
}

// order is a line of the input of call: what to send, and, if there are headers, past Go kit, which
// drops them.
type order struct {
	Subject string
	Body    json.RawMessage
	Header  nats.Header
}

type outcome struct {
	Body   string      `json:"body"`
	Header nats.Header `json:"header"`
	Error  string      `json:"error"`
}

// call makes the calls of its input, and writes what comes of each.
func call(nc *nats.Conn) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<22)
	for in.Scan() {
		var todo order
		if err := json.Unmarshal(in.Bytes(), &todo); err != nil {
			log.Fatal(err)
		}
		reply, err := send(nc, todo)
		var out outcome
		if err != nil {
			out.Error = err.Error()
		} else {
			out = outcome{Body: string(reply.Data), Header: reply.Header}
		}
		line, _ := json.Marshal(out)
		fmt.Println(string(line))
	}
}

func send(nc *nats.Conn, todo order) (*nats.Msg, error) {
	if todo.Header != nil {
		msg := &nats.Msg{Subject: todo.Subject, Data: todo.Body, Header: todo.Header}
		return nc.RequestMsg(msg, 5*time.Second)
	}
	publisher := natstransport.NewPublisher(nc, todo.Subject, natstransport.EncodeJSONRequest,
		func(_ context.Context, msg *nats.Msg) (interface{}, error) { return msg, nil },
		natstransport.PublisherTimeout(5*time.Second))
	reply, err := publisher.Endpoint()(context.Background(), todo.Body)
	if err != nil {
		return nil, err
	}
	return reply.(*nats.Msg), nil
}
