// A peer made of grpc-go and of the official interoperability tests that come with it.
//
//	grpc-go certs DIR          writes ca.pem, server.pem, server.key, client.pem and client.key
//	grpc-go server [flags]     prints {"port":N}, serves until its input ends
//	grpc-go client [flags]     runs one case and exits with 0 if it has passed
//
// Server and client print a line of JSON for every call, when it is over: see calls.go.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("one of certs, server and client must be named"))
	}
	run, known := map[string]func([]string) error{
		"certs": certs, "server": server, "client": client,
	}[os.Args[1]]
	if !known {
		fail(fmt.Errorf("there is no %q", os.Args[1]))
	}
	if err := run(os.Args[2:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func say(line any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		fail(err)
	}
}

func server(args []string) error {
	flags := flag.NewFlagSet("server", flag.ExitOnError)
	port := flags.Int("port", 0, "the port, any by default")
	dir := flags.String("tls", "", "the folder of the certificates; plain text without")
	mutual := flags.Bool("mutual", false, "whether clients must show a certificate")
	maxAge := flags.Duration("max-age", 0, "how long a connection lives")
	grace := flags.Duration("grace", 0, "how long calls may run on then")
	flags.Parse(args)

	options := []grpc.ServerOption{
		grpc.StatsHandler(calls{}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: *maxAge, MaxConnectionAgeGrace: *grace,
		}),
	}
	if *dir != "" {
		pair, pool, err := load(*dir, "server")
		if err != nil {
			return err
		}
		config := &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool}
		if *mutual {
			config.ClientAuth = tls.RequireAndVerifyClientCert
		}
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		return err
	}
	serving := grpc.NewServer(options...)
	testgrpc.RegisterTestServiceServer(serving, newTestService())
	statuses := health.NewServer()
	statuses.SetServingStatus("grpc.testing.TestService", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(serving, statuses)
	reflection.Register(serving)
	say(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		time.AfterFunc(2*time.Second, serving.Stop)
		serving.GracefulStop()
	}()
	return serving.Serve(listener)
}

func load(dir, name string) (tls.Certificate, *x509.CertPool, error) {
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(dir + "/ca.pem")
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pool.AppendCertsFromPEM(ca)
	pair, err := tls.LoadX509KeyPair(dir+"/"+name+".pem", dir+"/"+name+".key")
	return pair, pool, err
}
