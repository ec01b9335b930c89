package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/go-kit/kit/endpoint"
)

type uppercaseRequest struct {
	S string `json:"s"`
}

type uppercaseResponse struct {
	V string `json:"v"`
}

// StringService is the service of the tutorial.
type StringService interface {
	Uppercase(s string) (string, error)
}

type stringService struct{}

func (stringService) Uppercase(s string) (string, error) {
	return strings.ToUpper(s), nil
}

func makeUppercaseEndpoint(svc StringService) endpoint.Endpoint {
	return func(_ context.Context, request interface{}) (interface{}, error) {
		v, err := svc.Uppercase(request.(uppercaseRequest).S)
		if err != nil {
			return nil, err
		}
		return uppercaseResponse{v}, nil
	}
}

func decodeUppercaseRequest(_ context.Context, r *http.Request) (interface{}, error) {
	var request uppercaseRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return nil, err
	}
	return request, nil
}

func decodeUppercaseResponse(_ context.Context, r *http.Response) (interface{}, error) {
	var response uppercaseResponse
	if err := json.NewDecoder(r.Body).Decode(&response); err != nil {
		return nil, err
	}
	// What follows the value, a line end, has to be read for the connection to be used again.
	_, err := io.Copy(io.Discard, r.Body)
	return response, err
}
