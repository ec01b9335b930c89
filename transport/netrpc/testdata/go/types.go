package main

import (
	"encoding/gob"
	"math/rand"
	"reflect"
	"testing/quick"
	"time"
)

// Circle and Label are what the interface of Everything may hold.
type Circle struct {
	Radius float64
	Tags   []string
}

type Label string

// Address encodes itself.
type Address struct{ text string }

func (a Address) MarshalBinary() ([]byte, error)     { return []byte(a.text), nil }
func (a *Address) UnmarshalBinary(data []byte) error { a.text = string(data); return nil }

type Tree struct {
	Value       int
	Left, Right *Tree
}

type Inner struct {
	Name  string
	Depth **int
}

// Plain is what testing/quick can make by itself.
type Plain struct {
	Bool       bool
	Int        int64
	Int8       int8
	Int16      int16
	Int32      int32
	Uint       uint64
	Uint8      uint8
	Uint16     uint16
	Uint32     uint32
	Float      float64
	Float32    float32
	Complex    complex128
	String     string
	Bytes      []byte
	Inner      Inner
	Pointer    *Inner
	Number     *int32
	Ints       []int32
	Bools      []bool
	Strings    []string
	Floats     []float64
	Inners     []Inner
	Pointers   []map[string]int16
	Nested     [][]string
	Array      [3]int16
	Key        [4]byte
	Map        map[string]int32
	ByNumber   map[int64][]string
	MapOfMaps  map[string]map[bool]Inner
	StructKeys map[[2]int8]string
	unexported int
	Func       func()
}

// Everything has every kind of type that gob knows.
type Everything struct {
	Plain   Plain
	Any     any
	Anys    []any
	Time    time.Time
	When    *time.Time
	Address Address
	Tree    *Tree
	Last    int8
}

func init() {
	gob.Register(Circle{})
	gob.Register(Label(""))
	gob.Register(Tree{})
	gob.Register([]any{})
}

func randomTree(r *rand.Rand, depth int) *Tree {
	if depth == 0 || r.Intn(3) == 0 {
		return nil
	}
	return &Tree{r.Intn(200) - 100, randomTree(r, depth-1), randomTree(r, depth-1)}
}

func randomAny(r *rand.Rand, depth int) any {
	switch r.Intn(9) {
	case 0:
		return nil
	case 1:
		return r.Intn(1 << 40)
	case 2:
		return "text"
	case 3:
		return Label("label")
	case 4:
		return Circle{r.Float64(), []string{"a"}}
	case 5:
		return Tree{Value: 1, Left: randomTree(r, 3)}
	case 6:
		return []byte{1, 2}
	case 7:
		return 2.5
	}
	if depth == 0 {
		return true
	}
	return []any{randomAny(r, depth-1), randomAny(r, depth-1)}
}

func randomTime(r *rand.Rand) time.Time {
	return time.Unix(r.Int63n(1<<33), r.Int63n(1e9)).UTC()
}

func randomPlain(r *rand.Rand) Plain {
	type generated struct {
		Plain
	}
	value := reflect.New(reflect.TypeOf(Plain{})).Elem()
	for i := 0; i < value.NumField(); i++ {
		field := value.Type().Field(i)
		if !field.IsExported() || field.Type.Kind() == reflect.Func {
			continue
		}
		made, ok := quick.Value(field.Type, r)
		if !ok {
			panic("cannot make " + field.Name)
		}
		value.Field(i).Set(made)
		if r.Intn(4) == 0 {
			value.Field(i).SetZero()
			if field.Type.Kind() == reflect.Map {
				value.Field(i).Set(reflect.MakeMap(field.Type))
			}
		}
	}
	return value.Interface().(Plain)
}

func random(r *rand.Rand) Everything {
	when := randomTime(r)
	made := Everything{
		Plain:   randomPlain(r),
		Any:     randomAny(r, 3),
		Anys:    []any{randomAny(r, 2), randomAny(r, 2)},
		Time:    randomTime(r),
		Address: Address{"127.0.0.1"},
		Tree:    randomTree(r, 6),
		Last:    int8(r.Intn(256) - 128),
	}
	if r.Intn(2) == 0 {
		made.When = &when
	}
	if r.Intn(3) == 0 {
		made.Time = time.Time{}
	}
	return made
}
