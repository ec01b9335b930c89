// Apache Thrift's own Go library, as server and as client.
//
//	peer serve PORT PROTOCOL TRANSPORT    serves until it is killed
//	peer call PORT PROTOCOL TRANSPORT     runs checks against a server; prints "ok NAME" for each
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"kit/thriftpeer/gauntlet"
)

type handler struct{ heard chan string }

func (h *handler) Echo(_ context.Context, value *gauntlet.Everything) (*gauntlet.Everything, error) {
	return value, nil
}

func (h *handler) Sum(_ context.Context, a, b int64) (*gauntlet.SumReply, error) {
	return &gauntlet.SumReply{Value: a + b}, nil
}

func (h *handler) Find(_ context.Context, id string) (string, error) {
	if id == "missing" {
		return "", &gauntlet.NotFound{ID: id, Message: "no such thing"}
	}
	return "found " + id, nil
}

func (h *handler) Ping(context.Context) error { return nil }

func (h *handler) Tell(_ context.Context, text string) error {
	h.heard <- text
	return nil
}

func (h *handler) Told(context.Context) (string, error) { return <-h.heard, nil }

func (h *handler) Fail(_ context.Context, how string) error {
	if how == "application" {
		return thrift.NewTApplicationException(thrift.INTERNAL_ERROR, "told so")
	}
	return errors.New("password=hunter2")
}

func (h *handler) Slow(_ context.Context, ms int32) (int32, error) {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return ms, nil
}

func everything() *gauntlet.Everything {
	label, empty, no, named := "one", "", false, "large"
	bytes := make([]byte, 256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	value := &gauntlet.Everything{
		Yes: true, Tiny: math.MinInt8, Small: math.MinInt16, Medium: math.MinInt32,
		Large: math.MinInt64, Real: -1.5e-300, Text: "héllo \"\\\n€ 😀", Bytes: bytes,
		Names:  []string{"a", "b", "é"},
		Counts: map[string]int64{"min": math.MinInt64, "max": math.MaxInt64, "zero": 0},
		Color:  gauntlet.Color_GREEN,
		Leaf:   &gauntlet.Leaf{ID: 1, Label: &label},
		Nested: []map[int32][]bool{{1: {true, false}, -5: {}}, {}},
		Flags:  []bool{true, false, true},
		Size:   &gauntlet.Size{Named: &named},
		Leaves: map[int32]*gauntlet.Leaf{7: {ID: 7}, -7: {ID: -7, Label: &empty}},
		Far:    -1, No: &no,
	}
	for i := int32(-20); i < 20; i++ {
		value.Numbers = append(value.Numbers, i)
	}
	for i := int32(0); i < 20; i++ {
		value.Many = append(value.Many, &gauntlet.Leaf{ID: i})
	}
	return value
}

func protocolFactory(name string) thrift.TProtocolFactory {
	switch name {
	case "compact":
		return thrift.NewTCompactProtocolFactoryConf(nil)
	case "json":
		return thrift.NewTJSONProtocolFactory()
	case "binary":
		return thrift.NewTBinaryProtocolFactoryConf(nil)
	}
	panic("no protocol " + name)
}

func transportFactory(name string) thrift.TTransportFactory {
	if name == "framed" {
		return thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), nil)
	}
	return thrift.NewTBufferedTransportFactory(8192)
}

func serve(addr, protocol, transport string) error {
	processor := gauntlet.NewGauntletProcessor(&handler{make(chan string, 1)})
	factory := protocolFactory(protocol)
	if transport == "http" {
		return http.ListenAndServe(addr, http.HandlerFunc(thrift.NewThriftHandlerFunc(processor, factory, factory)))
	}
	socket, err := thrift.NewTServerSocket(addr)
	if err != nil {
		return err
	}
	return thrift.NewTSimpleServer4(processor, socket, transportFactory(transport), factory).Serve()
}

func connect(addr, protocol, transport string) (*gauntlet.LaterClient, thrift.TTransport) {
	var wire thrift.TTransport
	var err error
	if transport == "http" {
		wire, err = thrift.NewTHttpClient("http://" + addr + "/")
	} else {
		wire, err = transportFactory(transport).GetTransport(thrift.NewTSocketConf(addr, nil))
	}
	if err == nil {
		err = wire.Open()
	}
	if err != nil {
		panic(err)
	}
	factory := protocolFactory(protocol)
	client := thrift.NewTStandardClient(factory.GetProtocol(wire), factory.GetProtocol(wire))
	return gauntlet.NewLaterClient(client), wire
}

func check(name string, ok bool, err error) {
	if ok && err == nil {
		fmt.Println("ok " + name)
	} else {
		fmt.Println("FAILED "+name, err)
	}
}

func call(addr, protocol, transport string) {
	ctx := context.Background()
	client, wire := connect(addr, protocol, transport)
	value, err := client.Echo(ctx, everything())
	check("echo", reflect.DeepEqual(value, everything()), err)
	sum, err := client.Sum(ctx, math.MaxInt64, -1)
	check("sum", err == nil && sum.Value == math.MaxInt64-1, err)
	sum, err = client.Sum(ctx, math.MinInt64, 0)
	check("sum of extremes", err == nil && sum.Value == math.MinInt64, err)
	found, err := client.Find(ctx, "x")
	check("find", found == "found x", err)
	_, err = client.Find(ctx, "missing")
	var missing *gauntlet.NotFound
	check("declared exception", errors.As(err, &missing) && missing.ID == "missing" && missing.Message == "no such thing", nil)
	check("void", true, client.Ping(ctx))
	err = client.Tell(ctx, "hear, hear")
	told, err2 := client.Told(ctx)
	check("oneway", told == "hear, hear" && err2 == nil, err)
	var failed thrift.TApplicationException
	err = client.UnheardOf(ctx, "x")
	check("unknown method", errors.As(err, &failed) && failed.TypeId() == thrift.UNKNOWN_METHOD, nil)
	err = client.Fail(ctx, "secret")
	check("unknown error", errors.As(err, &failed) && failed.TypeId() == 0 && failed.Error() == "Unknown error", nil)
	err = client.Fail(ctx, "kit")
	check("error with a code", errors.As(err, &failed) && failed.TypeId() == 0 && failed.Error() == "Busy", nil)
	err = client.Fail(ctx, "internal")
	check("internal error", errors.As(err, &failed) && failed.TypeId() == thrift.INTERNAL_ERROR, nil)
	found, err = client.Find(ctx, "y")
	check("after errors", found == "found y", err)
	wire.Close()

	var group sync.WaitGroup
	var done sync.Map
	for i := 0; i < 10; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			own, ownWire := connect(addr, protocol, transport)
			defer ownWire.Close()
			for n := int64(0); n < 20; n++ {
				if sum, err := own.Sum(ctx, n, 1); err != nil || sum.Value != n+1 {
					return
				}
			}
			done.Store(i, true)
		}()
	}
	group.Wait()
	count := 0
	done.Range(func(any, any) bool { count++; return true })
	check("ten at once", count == 10, nil)
}

func main() {
	role, addr, protocol, transport := os.Args[1], "127.0.0.1:"+os.Args[2], os.Args[3], os.Args[4]
	if role == "call" {
		call(addr, protocol, transport)
	} else if err := serve(addr, protocol, transport); err != nil {
		panic(err)
	}
}
