// Command grpc-go is a service of one unary call in grpc-go, and a client of it. Kit is measured
// against both, and the client puts load on the servers.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const method = "/bench.Strings/Uppercase"

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "server":
		err = serve()
	case len(os.Args) == 3 && os.Args[1] == "client":
		err = drive(os.Args[2])
	default:
		err = fmt.Errorf("usage: grpc-go server, or grpc-go client HOST:PORT")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func uppercase(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	return wrapperspb.String(strings.ToUpper(in.Value)), nil
}

func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Strings",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Uppercase", Handler: uppercase}},
	}, struct{}{})
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		server.Stop()
	}()
	return server.Serve(listener)
}

// drive calls as often as it can, turn by turn, until the standard input ends. Turns and results are
// those of clients/loop.mjs.
func drive(target string) error {
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
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
		calls, err := turn(conn, asked.Concurrency, time.Duration(asked.Ms*float64(time.Millisecond)))
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
func turn(conn *grpc.ClientConn, concurrency int, length time.Duration) (int64, error) {
	var calls atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, concurrency)
	start := time.Now()
	for range concurrency {
		group.Go(func() {
			for time.Since(start) < length {
				out := new(wrapperspb.StringValue)
				err := conn.Invoke(context.Background(), method, wrapperspb.String("hello, world"), out)
				if err == nil && out.Value != "HELLO, WORLD" {
					err = fmt.Errorf("cannot go on as the answer was %q", out.Value)
				}
				if err != nil {
					failures <- err
					return
				}
				calls.Add(1)
			}
		})
	}
	group.Wait()
	select {
	case err := <-failures:
		return 0, err
	default:
		return calls.Load(), nil
	}
}
