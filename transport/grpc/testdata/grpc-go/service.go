package main

import (
	"context"
	"io"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// testService is that of grpc-go, with what it leaves out: compression, caching, and errors with
// details, which are asked for by the metadata "x-details".
type testService struct {
	pb.TestServiceServer
}

func newTestService() pb.TestServiceServer {
	return testService{interop.NewTestServer()}
}

func (s testService) UnaryCall(ctx context.Context, in *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	if md, _ := metadata.FromIncomingContext(ctx); len(md.Get("x-details")) > 0 {
		return nil, withDetails()
	}
	if err := checkCompressed(ctx, in.ExpectCompressed); err != nil {
		return nil, err
	}
	if in.ResponseCompressed.GetValue() {
		if err := grpc.SetSendCompressor(ctx, "gzip"); err != nil {
			return nil, err
		}
	} else if in.ResponseCompressed != nil {
		grpc.SetSendCompressor(ctx, "identity")
	}
	return s.TestServiceServer.UnaryCall(ctx, in)
}

func (s testService) CacheableUnaryCall(ctx context.Context, in *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	return &pb.SimpleResponse{Payload: in.Payload}, nil
}

func (s testService) StreamingInputCall(stream grpc.ClientStreamingServer[pb.StreamingInputCallRequest, pb.StreamingInputCallResponse]) error {
	var sum int
	for {
		in, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&pb.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)})
		}
		if err != nil {
			return err
		}
		if err := checkCompressed(stream.Context(), in.ExpectCompressed); err != nil {
			return err
		}
		sum += len(in.Payload.GetBody())
	}
}

func (s testService) StreamingOutputCall(in *pb.StreamingOutputCallRequest, stream grpc.ServerStreamingServer[pb.StreamingOutputCallResponse]) error {
	for _, parameters := range in.ResponseParameters {
		if parameters.Compressed.GetValue() {
			if err := grpc.SetSendCompressor(stream.Context(), "gzip"); err != nil {
				return err
			}
			break
		}
	}
	return s.TestServiceServer.StreamingOutputCall(in, stream)
}

func checkCompressed(ctx context.Context, expected *pb.BoolValue) error {
	if expected == nil || expected.Value == cameCompressed(ctx) {
		return nil
	}
	return status.Errorf(codes.InvalidArgument, "compressed is %t, want %t", !expected.Value, expected.Value)
}

func withDetails() error {
	detailed, err := status.New(codes.FailedPrecondition, "not in this state").WithDetails(
		&errdetails.ErrorInfo{Reason: "STATE", Domain: "kit.test", Metadata: map[string]string{"is": "off"}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "payload.body", Description: "is empty"},
		}},
	)
	if err != nil {
		return err
	}
	return detailed.Err()
}
