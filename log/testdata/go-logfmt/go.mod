module golog

go 1.19

require github.com/go-logfmt/logfmt v0.5.1
