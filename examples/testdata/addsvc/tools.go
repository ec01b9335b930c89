//go:build tools

// Package tools pins the programs that the tests build: Go kit's service that adds, and its client.
package tools

import (
	_ "github.com/go-kit/kit/examples/addsvc/cmd/addcli"
	_ "github.com/go-kit/kit/examples/addsvc/cmd/addsvc"
)
