// Command gokit is the string service of Go kit's tutorial, reduced to one call, and a client of it.
// Kit is measured against both.
//
//	gokit server plain|stack
//	gokit client VARIANT URL SECONDS CONCURRENCY...
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "server":
		return serve(args[1])
	case len(args) > 4 && args[0] == "client":
		return drive(args[2], args[3], args[4:])
	}
	return fmt.Errorf("usage: gokit server plain|stack, or gokit client VARIANT URL SECONDS CONCURRENCY...")
}
