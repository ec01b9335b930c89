module kit.test/stringsvc

go 1.21

require (
	github.com/go-kit/kit v0.13.0
	github.com/sony/gobreaker v0.4.1
	golang.org/x/time v0.0.0-20211116232009-f0f3c7e86c11
)

require (
	github.com/afex/hystrix-go v0.0.0-20180502004556-fa1af6a1f4f5 // indirect
	github.com/go-kit/log v0.2.0 // indirect
	github.com/go-logfmt/logfmt v0.5.1 // indirect
	github.com/smartystreets/goconvey v1.8.1 // indirect
	github.com/streadway/handy v0.0.0-20200128134331-0f66f006fb2e // indirect
)
