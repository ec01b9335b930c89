// Command golog lets Go's own logfmt and durations be compared with Kit's.
//
//	golog decode     logfmt records to JSON arrays of [key, value], one a line
//	golog encode     such arrays to logfmt records
//	golog duration   nanoseconds to texts, one a line
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/go-logfmt/logfmt"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	switch os.Args[1] {
	case "decode":
		decode(json.NewEncoder(out))
	case "encode":
		encode(out)
	case "duration":
		durations(out)
	}
}

func decode(out *json.Encoder) {
	decoder := logfmt.NewDecoder(os.Stdin)
	for decoder.ScanRecord() {
		pairs := [][2]string{}
		for decoder.ScanKeyval() {
			pairs = append(pairs, [2]string{string(decoder.Key()), string(decoder.Value())})
		}
		check(decoder.Err())
		check(out.Encode(pairs))
	}
	check(decoder.Err())
}

func encode(out *bufio.Writer) {
	in := json.NewDecoder(os.Stdin)
	in.UseNumber()
	for in.More() {
		var pairs [][2]interface{}
		check(in.Decode(&pairs))
		encoder := logfmt.NewEncoder(out)
		for _, pair := range pairs {
			check(encoder.EncodeKeyvals(pair[0], pair[1]))
		}
		check(encoder.EndRecord())
	}
}

func durations(out *bufio.Writer) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		ns, err := strconv.ParseInt(lines.Text(), 10, 64)
		check(err)
		fmt.Fprintln(out, time.Duration(ns))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
