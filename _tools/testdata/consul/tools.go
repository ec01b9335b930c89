//go:build tools

// Package tools names the program that is built here: the agent of Consul, of which Debian has no
// package any more.
package tools

import _ "github.com/hashicorp/consul"
