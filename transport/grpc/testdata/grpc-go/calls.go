package main

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// call is what is printed of a call. A message counts as compressed if that has changed its length.
type call struct {
	sync.Mutex `json:"-"`
	Method     string   `json:"method"`
	Code       string   `json:"code"`
	LeftMs     *float64 `json:"leftMs"`
	In         []bool   `json:"in"`
	Out        []bool   `json:"out"`
}

type callKey struct{}

// calls is a stats.Handler, as gRPC shows to nobody else whether a message came compressed.
type calls struct{}

func (calls) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	seen := &call{Method: info.FullMethodName, In: []bool{}, Out: []bool{}}
	if deadline, ok := ctx.Deadline(); ok {
		left := float64(time.Until(deadline)) / float64(time.Millisecond)
		seen.LeftMs = &left
	}
	return context.WithValue(ctx, callKey{}, seen)
}

func (calls) HandleRPC(ctx context.Context, event stats.RPCStats) {
	seen := ctx.Value(callKey{}).(*call)
	seen.Lock()
	defer seen.Unlock()
	switch event := event.(type) {
	case *stats.InPayload:
		seen.In = append(seen.In, event.CompressedLength != event.Length)
	case *stats.OutPayload:
		seen.Out = append(seen.Out, event.CompressedLength != event.Length)
	case *stats.End:
		seen.Code = status.Code(event.Error).String()
		say(seen)
	}
}

func (calls) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (calls) HandleConn(context.Context, stats.ConnStats)                       {}

// cameCompressed tells of the message that was read last.
func cameCompressed(ctx context.Context) bool {
	seen := ctx.Value(callKey{}).(*call)
	seen.Lock()
	defer seen.Unlock()
	return len(seen.In) > 0 && seen.In[len(seen.In)-1]
}
