// Command gokit is the string service of Go kit's tutorial, reduced to one call, and a client of it.
// Kit is measured against both.
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
	if len(args) == 2 {
		switch args[0] {
		case "server":
			return serve(args[1])
		case "client":
			return drive(args[1])
		}
	}
	return fmt.Errorf("usage: gokit server plain|stack, or gokit client URL")
}
