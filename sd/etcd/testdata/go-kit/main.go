// Go kit's registrar and instancer for etcd v3.
//
//	gokit register ENDPOINT KEY VALUE    registers until its input ends
//	gokit watch ENDPOINT PREFIX          prints each set of instances, until its input ends
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-kit/kit/sd"
	"github.com/go-kit/kit/sd/etcdv3"
	"github.com/go-kit/log"
)

func main() {
	logger := log.NewLogfmtLogger(os.Stderr)
	client, err := etcdv3.NewClient(context.Background(), []string{os.Args[2]}, etcdv3.ClientOptions{})
	if err != nil {
		panic(err)
	}
	switch os.Args[1] {
	case "register":
		service := etcdv3.Service{Key: os.Args[3], Value: os.Args[4]}
		registrar := etcdv3.NewRegistrar(client, service, logger)
		registrar.Register()
		io.ReadAll(os.Stdin)
		registrar.Deregister()
	case "watch":
		instancer, err := etcdv3.NewInstancer(client, os.Args[3], logger)
		if err != nil {
			panic(err)
		}
		events := make(chan sd.Event)
		go func() {
			for event := range events {
				fmt.Println(strings.Join(event.Instances, ","))
			}
		}()
		instancer.Register(events)
		io.ReadAll(os.Stdin)
	}
}
