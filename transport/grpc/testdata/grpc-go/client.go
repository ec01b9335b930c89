package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type testCase func(ctx context.Context, conn *grpc.ClientConn, service pb.TestServiceClient) error

// official wraps a case of grpc-go, which ends the process if it fails.
func official(run func(context.Context, pb.TestServiceClient, ...grpc.CallOption)) testCase {
	return func(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
		run(ctx, service)
		return nil
	}
}

var cases = map[string]testCase{
	"empty_unary":                 official(interop.DoEmptyUnaryCall),
	"large_unary":                 official(interop.DoLargeUnaryCall),
	"client_streaming":            official(interop.DoClientStreaming),
	"server_streaming":            official(interop.DoServerStreaming),
	"ping_pong":                   official(interop.DoPingPong),
	"empty_stream":                official(interop.DoEmptyStream),
	"custom_metadata":             official(interop.DoCustomMetadata),
	"status_code_and_message":     official(interop.DoStatusCodeAndMessage),
	"special_status_message":      official(interop.DoSpecialStatusMessage),
	"cancel_after_begin":          official(interop.DoCancelAfterBegin),
	"cancel_after_first_response": official(interop.DoCancelAfterFirstResponse),
	"timeout_on_sleeping_server":  official(interop.DoTimeoutOnSleepingServer),
	"unimplemented_method": func(ctx context.Context, conn *grpc.ClientConn, _ pb.TestServiceClient) error {
		interop.DoUnimplementedMethod(ctx, conn)
		return nil
	},
	"unimplemented_service": func(ctx context.Context, conn *grpc.ClientConn, _ pb.TestServiceClient) error {
		interop.DoUnimplementedService(ctx, pb.NewUnimplementedServiceClient(conn))
		return nil
	},
	"pick_first_unary": func(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
		interop.DoPickFirstUnary(ctx, service)
		return nil
	},
	// grpc-go has no cases of these names.
	"cacheable_unary":             cacheableUnary,
	"client_compressed_unary":     clientCompressedUnary,
	"client_compressed_streaming": clientCompressedStreaming,
	"server_compressed_unary":     serverCompressedUnary,
	"server_compressed_streaming": serverCompressedStreaming,
	// These are Kit's own.
	"details":   details,
	"deadline":  deadline,
	"too_large": tooLarge,
	"slow":      slow,
	"soak":      soak,
}

func client(args []string) error {
	flags := flag.NewFlagSet("client", flag.ExitOnError)
	target := flags.String("target", "", "host:port")
	name := flags.String("case", "", "the case")
	dir := flags.String("tls", "", "the folder of the certificates; plain text without")
	withCert := flags.Bool("mutual", false, "whether to show the client's certificate")
	flags.Parse(args)

	run, known := cases[*name]
	if !known {
		return fmt.Errorf("there is no case %q", *name)
	}
	creds := insecure.NewCredentials()
	if *dir != "" {
		pair, pool, err := load(*dir, "client")
		if err != nil {
			return err
		}
		config := &tls.Config{RootCAs: pool}
		if *withCert {
			config.Certificates = []tls.Certificate{pair}
		}
		creds = credentials.NewTLS(config)
	}
	conn, err := grpc.NewClient(*target,
		grpc.WithTransportCredentials(creds), grpc.WithStatsHandler(calls{}))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return run(ctx, conn, pb.NewTestServiceClient(conn))
}

const requestSize, responseSize = 271828, 314159

func payload(size int) *pb.Payload {
	return interop.ClientNewPayload(pb.PayloadType_COMPRESSABLE, size)
}

func expectSize(got *pb.Payload, want int) error {
	if len(got.GetBody()) != want {
		return fmt.Errorf("got a payload of %d bytes, want %d", len(got.GetBody()), want)
	}
	return nil
}

func cacheableUnary(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "x-user-ip", "1.2.3.4")
	in := &pb.SimpleRequest{Payload: &pb.Payload{Body: []byte(time.Now().String())}}
	for range 2 {
		out, err := service.CacheableUnaryCall(ctx, in)
		if err != nil {
			return err
		}
		if !proto.Equal(out.Payload, in.Payload) {
			return fmt.Errorf("got %v, want %v", out.Payload, in.Payload)
		}
	}
	return nil
}

func clientCompressedUnary(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	for _, compressed := range []bool{true, false} {
		var options []grpc.CallOption
		if compressed {
			options = append(options, grpc.UseCompressor(gzip.Name))
		}
		out, err := service.UnaryCall(ctx, &pb.SimpleRequest{
			ExpectCompressed: &pb.BoolValue{Value: compressed},
			ResponseSize:     responseSize,
			Payload:          payload(requestSize),
		}, options...)
		if err != nil {
			return err
		}
		if err := expectSize(out.Payload, responseSize); err != nil {
			return err
		}
	}
	return nil
}

func clientCompressedStreaming(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	stream, err := service.StreamingInputCall(ctx, grpc.UseCompressor(gzip.Name))
	if err != nil {
		return err
	}
	for _, size := range []int{27182, 45904} {
		if err := stream.Send(&pb.StreamingInputCallRequest{Payload: payload(size)}); err != nil {
			return err
		}
	}
	out, err := stream.CloseAndRecv()
	if err == nil && out.AggregatedPayloadSize != 73086 {
		err = fmt.Errorf("got %d, want 73086", out.AggregatedPayloadSize)
	}
	return err
}

func serverCompressedUnary(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	for _, compressed := range []bool{true, false} {
		out, err := service.UnaryCall(ctx, &pb.SimpleRequest{
			ResponseCompressed: &pb.BoolValue{Value: compressed},
			ResponseSize:       responseSize,
			Payload:            payload(requestSize),
		})
		if err != nil {
			return err
		}
		if err := expectSize(out.Payload, responseSize); err != nil {
			return err
		}
	}
	return nil
}

func serverCompressedStreaming(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	stream, err := service.StreamingOutputCall(ctx, &pb.StreamingOutputCallRequest{
		ResponseParameters: []*pb.ResponseParameters{
			{Compressed: &pb.BoolValue{Value: true}, Size: 31415},
			{Compressed: &pb.BoolValue{Value: false}, Size: 92653},
		},
	})
	if err != nil {
		return err
	}
	for _, size := range []int{31415, 92653} {
		out, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := expectSize(out.Payload, size); err != nil {
			return err
		}
	}
	if _, err := stream.Recv(); err != io.EOF {
		return fmt.Errorf("got %v, want the end", err)
	}
	return nil
}

// details prints what a call that fails has brought, as {"error":{...}}.
func details(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "x-details", "1")
	_, err := service.UnaryCall(ctx, &pb.SimpleRequest{})
	text, err := protojson.Marshal(status.Convert(err).Proto())
	if err != nil {
		return err
	}
	fmt.Printf("{\"error\":%s}\n", text)
	return nil
}

// deadline expects that the server sleeps longer than it waits.
func deadline(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	stream, err := service.StreamingOutputCall(ctx, &pb.StreamingOutputCallRequest{
		ResponseParameters: []*pb.ResponseParameters{{Size: 1, IntervalUs: 5_000_000}},
	})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.DeadlineExceeded {
		return fmt.Errorf("got %v, want DeadlineExceeded", err)
	}
	return nil
}

func tooLarge(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	for _, options := range [][]grpc.CallOption{{}, {grpc.UseCompressor(gzip.Name)}} {
		_, err := service.UnaryCall(ctx, &pb.SimpleRequest{Payload: payload(5 << 20)}, options...)
		if status.Code(err) != codes.ResourceExhausted {
			return fmt.Errorf("got %v, want ResourceExhausted", err)
		}
	}
	return nil
}

// slow reads a stream that takes a while.
func slow(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	stream, err := service.StreamingOutputCall(ctx, &pb.StreamingOutputCallRequest{
		ResponseParameters: []*pb.ResponseParameters{
			{Size: 1}, {Size: 2, IntervalUs: 300_000}, {Size: 3, IntervalUs: 300_000},
		},
	})
	if err != nil {
		return err
	}
	for size := range 3 {
		out, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := expectSize(out.Payload, size+1); err != nil {
			return err
		}
	}
	_, err = stream.Recv()
	if err != io.EOF {
		return fmt.Errorf("got %v, want the end", err)
	}
	return nil
}

// soak calls for two seconds, eight times at once, and bears no failure.
func soak(ctx context.Context, _ *grpc.ClientConn, service pb.TestServiceClient) error {
	end := time.Now().Add(2 * time.Second)
	failures := make(chan error, 8)
	for range cap(failures) {
		go func() {
			for time.Now().Before(end) {
				out, err := service.UnaryCall(ctx, &pb.SimpleRequest{ResponseSize: 100})
				if err == nil {
					err = expectSize(out.Payload, 100)
				}
				if err != nil {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	for range cap(failures) {
		if err := <-failures; err != nil {
			return err
		}
	}
	return nil
}
