module kit.test/consul

go 1.24.0

require (
	github.com/hashicorp/consul v1.12.9
	golang.org/x/crypto v0.45.0
	golang.org/x/net v0.47.0
	golang.org/x/sys v0.38.0
	golang.org/x/tools v0.39.0
)
