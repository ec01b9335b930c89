// Reads the result of a Lambda function that answers HTTP events, as AWS's own types have it.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/events"
)

func main() {
	results := map[string]any{
		"v1":  &events.APIGatewayProxyResponse{},
		"v2":  &events.APIGatewayV2HTTPResponse{},
		"url": &events.LambdaFunctionURLResponse{},
		"alb": &events.ALBTargetGroupResponse{},
	}
	result, ok := results[os.Args[1]]
	if !ok {
		log.Fatalf("unknown type %q", os.Args[1])
	}
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(result); err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}
