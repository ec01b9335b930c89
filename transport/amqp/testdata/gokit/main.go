// Go kit as the peer of Kit's AMQP transport.
//
//	gokit server URL QUEUE    serves QUEUE with Go kit's subscriber, and writes "ready"
//	gokit client URL QUEUE    calls QUEUE with Go kit's publisher, and writes what it got, as JSON
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	amqptransport "github.com/go-kit/kit/transport/amqp"
	amqp "github.com/rabbitmq/amqp091-go"
)

type request struct {
	S string `json:"s"`
}

type response struct {
	V    string `json:"v"`
	ID   string `json:"id,omitempty"`
	Kind string `json:"kind,omitempty"`
	// Whether what tells the time left came along.
	Timed bool `json:"timed,omitempty"`
}

type seen struct {
	delivery *amqp.Delivery
	request  request
}

func decode(_ context.Context, d *amqp.Delivery) (interface{}, error) {
	var r request
	err := json.Unmarshal(d.Body, &r)
	return seen{d, r}, err
}

func uppercase(_ context.Context, req interface{}) (interface{}, error) {
	s := req.(seen)
	if s.request.S == "missing" {
		return nil, errors.New("no such word")
	}
	id, _ := s.delivery.Headers["x-request-id"].(string)
	_, timed := s.delivery.Headers["x-request-timeout-ms"]
	return response{
		V: strings.ToUpper(s.request.S), ID: id, Kind: s.delivery.ContentType,
		Timed: timed && s.delivery.Expiration != "",
	}, nil
}

func server(ch *amqp.Channel, queue string) error {
	deliveries, err := ch.Consume(queue, "", true, false, false, false, nil)
	if err != nil {
		return err
	}
	serve := amqptransport.NewSubscriber(uppercase, decode, amqptransport.EncodeJSONResponse,
		amqptransport.SubscriberErrorEncoder(amqptransport.ReplyErrorEncoder)).ServeDelivery(ch)
	fmt.Println("ready")
	for d := range deliveries {
		d := d
		serve(&d)
	}
	return nil
}

// answer is what came back of one call.
type answer struct {
	Body        string     `json:"body"`
	ContentType string     `json:"contentType"`
	Headers     amqp.Table `json:"headers"`
	SameID      bool       `json:"sameId"`
	Err         string     `json:"err,omitempty"`
}

func client(ch *amqp.Channel, queue string) error {
	replies, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return err
	}
	answers := []answer{}
	for i, s := range []string{"hello", "", "missing", "secret", "busy", "{"} {
		id := fmt.Sprint("call-", i)
		encode := func(_ context.Context, p *amqp.Publishing, req interface{}) error {
			p.Body = []byte(s)
			if s != "{" {
				p.Body, _ = json.Marshal(req)
			}
			p.Headers = amqp.Table{"x-request-id": "a1b2", "x-request-timeout-ms": "30000"}
			return nil
		}
		decode := func(_ context.Context, d *amqp.Delivery) (interface{}, error) {
			return answer{
				Body: string(d.Body), ContentType: d.ContentType, Headers: d.Headers,
				SameID: d.CorrelationId == id,
			}, nil
		}
		call := amqptransport.NewPublisher(ch, &replies, encode, decode,
			amqptransport.PublisherBefore(
				amqptransport.SetPublishKey(queue),
				amqptransport.SetCorrelationID(id),
				amqptransport.SetPublishDeliveryMode(1),
				amqptransport.SetContentType("application/json"),
				// Each call consumes anew and never cancels: what is not acknowledged would come again.
				amqptransport.SetConsumeAutoAck(true)),
			amqptransport.PublisherTimeout(5*time.Second)).Endpoint()
		got, err := call(context.Background(), request{S: s})
		if err != nil {
			answers = append(answers, answer{Err: err.Error()})
			continue
		}
		answers = append(answers, got.(answer))
		// The consumers of calls before would swallow replies to later ones.
		if replies, err = ch.QueueDeclare("", false, true, true, false, nil); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func run() error {
	connection, err := amqp.Dial(os.Args[2])
	if err != nil {
		return err
	}
	defer connection.Close()
	ch, err := connection.Channel()
	if err != nil {
		return err
	}
	if os.Args[1] == "server" {
		return server(ch, os.Args[3])
	}
	return client(ch, os.Args[3])
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
