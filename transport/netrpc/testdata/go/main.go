// Go's own net/rpc and encoding/gob as peers.
//
//	peer gob SEED N                       writes N random values as gob, reads them back, compares
//	peer server gob|json tcp|http         serves, and writes its port
//	peer client gob|json tcp|http ADDR    calls, and writes what it got, as JSON
//	peer load gob|json ADDR N CALLERS     calls, and writes how many calls a second it got
//	peer idle ADDR                        connects by gob, calls once, and waits for the connection's end
package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"reflect"
	"strconv"
	"sync"
	"time"
)

type Args struct{ A, B int }

type Quotient struct{ Quo, Rem int }

type Arith struct{}

func (Arith) Multiply(args *Args, reply *int) error {
	*reply = args.A * args.B
	return nil
}

func (Arith) Divide(args Args, reply *Quotient) error {
	if args.B == 0 {
		return errors.New("divide by zero")
	}
	*reply = Quotient{args.A / args.B, args.A % args.B}
	return nil
}

// Fail fails as a method does that returns a status error of grpc-go.
func (Arith) Fail(code string, reply *int) error {
	return fmt.Errorf("rpc error: code = %s desc = as asked", code)
}

// Wait answers after so many milliseconds.
func (Arith) Wait(ms int, reply *int) error {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	*reply = ms
	return nil
}

func (Arith) Echo(value Everything, reply *Everything) error {
	*reply = value
	return nil
}

type Simple struct {
	Id    int64             `json:"id"`
	Name  string            `json:"full_name"`
	Data  []byte            `json:"data"`
	Ages  map[string]int    `json:"ages"`
	ByAge map[uint64]string `json:"by_age"`
	When  time.Time         `json:"when"`
	Next  *Simple           `json:"next"`
	List  []float64         `json:"list"`
	Array [2]bool           `json:"array"`
}

func (Arith) EchoSimple(value Simple, reply *Simple) error {
	*reply = value
	return nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func property(seed int64, n int) {
	r := rand.New(rand.NewSource(seed))
	var want []Everything
	var stream bytes.Buffer
	enc := gob.NewEncoder(&stream)
	for i := 0; i < n; i++ {
		check(enc.Encode(random(r)))
	}
	copied := bytes.NewBuffer(append([]byte(nil), stream.Bytes()...))
	dec := gob.NewDecoder(copied)
	for i := 0; i < n; i++ {
		var value Everything
		check(dec.Decode(&value))
		want = append(want, value)
	}
	go os.Stdout.Write(stream.Bytes())
	back := gob.NewDecoder(bufio.NewReader(os.Stdin))
	for i := 0; i < n; i++ {
		var got Everything
		check(back.Decode(&got))
		if !reflect.DeepEqual(got, want[i]) {
			check(fmt.Errorf("value %d differs:\n%#v\n%#v", i, got, want[i]))
		}
	}
	_, err := back.Decode, error(nil)
	check(err)
	fmt.Fprintln(os.Stderr, "same", n)
}

func serve(codec, over string) {
	server := rpc.NewServer()
	check(server.Register(Arith{}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if over == "http" {
		mux := http.NewServeMux()
		mux.Handle(rpc.DefaultRPCPath, server)
		check(http.Serve(listener, mux))
	}
	for {
		connection, err := listener.Accept()
		check(err)
		if codec == "json" {
			go server.ServeCodec(jsonrpc.NewServerCodec(connection))
		} else {
			go server.ServeConn(connection)
		}
	}
}

func dial(codec, over, addr string) *rpc.Client {
	var client *rpc.Client
	var err error
	if codec == "json" {
		client, err = jsonrpc.Dial("tcp", addr)
	} else if over == "http" {
		client, err = rpc.DialHTTP("tcp", addr)
	} else {
		client, err = rpc.Dial("tcp", addr)
	}
	check(err)
	return client
}

func call(codec, over, addr string) {
	client := dial(codec, over, addr)
	got := map[string]any{}
	text := func(err error) string {
		if err == nil {
			return ""
		}
		if _, ok := err.(rpc.ServerError); !ok {
			return "not the server's: " + err.Error()
		}
		return err.Error()
	}
	var product int
	check(client.Call("Arith.Multiply", Args{7, 8}, &product))
	got["product"] = product
	check(client.Call("Arith.Multiply", &Args{1 << 40, 4096}, &product))
	got["large"] = product
	var quotient Quotient
	check(client.Call("Arith.Divide", &Args{7, 2}, &quotient))
	got["quotient"] = quotient
	got["byZero"] = text(client.Call("Arith.Divide", &Args{7, 0}, &quotient))
	got["noService"] = text(client.Call("Nobody.Multiply", Args{7, 8}, &product))
	got["noMethod"] = text(client.Call("Arith.Pow", Args{7, 8}, &product))
	got["illFormed"] = text(client.Call("Multiply", Args{7, 8}, &product))
	got["wrongType"] = text(client.Call("Arith.Multiply", struct{ A string }{"x"}, &product))
	got["kitError"] = text(client.Call("Arith.Fail", "NotFound", &product))
	got["unsafe"] = text(client.Call("Arith.Multiply", Args{1 << 60, 1}, &product))
	if codec == "gob" {
		r := rand.New(rand.NewSource(7))
		same := 0
		for i := 0; i < 50; i++ {
			value := random(r)
			var stream bytes.Buffer
			var want, reply Everything
			check(gob.NewEncoder(&stream).Encode(value))
			check(gob.NewDecoder(&stream).Decode(&want))
			check(client.Call("Arith.Echo", value, &reply))
			if reflect.DeepEqual(want, reply) {
				same++
			}
		}
		got["echoed"] = same
	} else {
		value := Simple{Id: 1<<62 + 1, Name: "Ada <&>", Data: []byte{1, 2, 3}, Ages: map[string]int{"__proto__": 36},
			ByAge: map[uint64]string{1<<64 - 1: "old"}, When: time.Unix(7, 123456789).UTC(),
			Next: &Simple{Id: -1}, List: []float64{0.5, 1e300}, Array: [2]bool{true, false}}
		var reply Simple
		check(client.Call("Arith.EchoSimple", value, &reply))
		value.Next = reply.Next // A nil slice in it has become an empty one.
		got["echoed"] = fmt.Sprint(reflect.DeepEqual(value, reply), reply.Next.Id)
	}
	// Out of order: the first answer is that of the second call.
	slow := client.Go("Arith.Wait", 150, new(int), nil)
	quick := client.Go("Arith.Wait", 0, new(int), nil)
	select {
	case <-quick.Done:
		got["first"] = "quick"
	case <-slow.Done:
		got["first"] = "slow"
	}
	<-slow.Done
	var group sync.WaitGroup
	var mutex sync.Mutex
	right := 0
	for i := 0; i < 100; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			var product int
			if client.Call("Arith.Multiply", Args{i, i}, &product) == nil && product == i*i {
				mutex.Lock()
				right++
				mutex.Unlock()
			}
		}(i)
	}
	group.Wait()
	got["concurrent"] = right
	check(client.Close())
	json.NewEncoder(os.Stdout).Encode(got)
}

func load(codec, addr string, n, callers int) {
	client := dial(codec, "tcp", addr)
	var group sync.WaitGroup
	run := func(n int) {
		for c := 0; c < callers; c++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for i := 0; i < n/callers; i++ {
					var product int
					check(client.Call("Arith.Multiply", Args{i, 2}, &product))
				}
			}()
		}
		group.Wait()
	}
	run(n / 4)
	start := time.Now()
	run(n)
	fmt.Printf("%.0f\n", float64(n)/time.Since(start).Seconds())
}

func idle(addr string) {
	client := dial("gob", "tcp", addr)
	pending := client.Go("Arith.Wait", 200, new(int), nil)
	fmt.Println("calling")
	<-pending.Done
	fmt.Println(pending.Error, *pending.Reply.(*int))
	for {
		if err := client.Call("Arith.Wait", 0, new(int)); err != nil {
			fmt.Println(err)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	arg := func(i int) string { return os.Args[i] }
	number := func(i int) int {
		n, err := strconv.Atoi(os.Args[i])
		check(err)
		return n
	}
	switch arg(1) {
	case "gob":
		property(int64(number(2)), number(3))
	case "server":
		serve(arg(2), arg(3))
	case "client":
		call(arg(2), arg(3), arg(4))
	case "load":
		load(arg(2), arg(3), number(4), number(5))
	case "idle":
		idle(arg(2))
	default:
		io.WriteString(os.Stderr, "unknown command\n")
		os.Exit(2)
	}
}
