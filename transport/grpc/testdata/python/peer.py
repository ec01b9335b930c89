"""A peer made of grpcio.

    peer.py server FILES          prints {"port":N}, serves until its input ends
    peer.py client FILES PORT CASE   prints what it has seen, as one line of JSON

FILES is a FileDescriptorSet in JSON, with the grpc.testing.TestService that the tests use.
"""

import base64
import json
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2, status_pb2
from google.protobuf import any_pb2, duration_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_status import rpc_status

SERVICE = "grpc.testing.TestService"
# The names of the kinds: whether the request and whether the response is a stream.
KINDS = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, False): "stream_unary",
    (True, True): "stream_stream",
}


def say(**line):
    print(json.dumps(line), flush=True)


def load(path):
    with open(path, encoding="utf-8") as file:
        files = json_format.Parse(file.read(), descriptor_pb2.FileDescriptorSet())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


class Messages:
    """The messages of the service by their short names."""

    def __init__(self, pool):
        self._pool = pool

    def __getattr__(self, name):
        found = self._pool.FindMessageTypeByName("grpc.testing." + name)
        return message_factory.GetMessageClass(found)


# --- server ---


class TestService:
    def __init__(self, messages):
        self.messages = messages

    def _payload(self, size):
        return self.messages.Payload(body=bytes(size))

    def _begin(self, context):
        """Sends metadata back, tells of the deadline and of who goes away."""
        sent = dict(context.invocation_metadata())
        header = [("x-left-ms", str(int((context.time_remaining() or 0) * 1000)))]
        for name in ("x-grpc-test-echo-initial", "x-many"):
            header += [(name, value) for key, value in context.invocation_metadata() if key == name]
        context.send_initial_metadata(header)
        trailer = "x-grpc-test-echo-trailing-bin"
        if trailer in sent:
            context.set_trailing_metadata([(trailer, sent[trailer])])
        method = context._rpc_event.call_details.method.decode()
        context.add_callback(lambda: say(done=method))
        return sent

    def EmptyCall(self, request, context):
        return request

    def UnaryCall(self, request, context):
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        sent = self._begin(context)
        if "x-details" in sent:
            context.abort_with_status(rpc_status.to_status(with_details()))
        status = request.response_status
        if status.code != 0:
            context.abort(code_of(status.code), status.message)
        return self.messages.SimpleResponse(payload=self._payload(request.response_size))

    def CacheableUnaryCall(self, request, context):
        return self.messages.SimpleResponse(payload=request.payload)

    def StreamingOutputCall(self, request, context):
        self._begin(context)
        if any(parameters.compressed.value for parameters in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        yield from self._outputs(request, context)

    def StreamingInputCall(self, requests, context):
        self._begin(context)
        total = sum(len(request.payload.body) for request in requests)
        return self.messages.StreamingInputCallResponse(aggregated_payload_size=total)

    def FullDuplexCall(self, requests, context):
        self._begin(context)
        for request in requests:
            if request.response_status.code != 0:
                context.abort(code_of(request.response_status.code), request.response_status.message)
            yield from self._outputs(request, context)

    def _outputs(self, request, context):
        for parameters in request.response_parameters:
            end = time.monotonic() + parameters.interval_us / 1e6
            while context.is_active() and time.monotonic() < end:
                time.sleep(0.01)
            yield self.messages.StreamingOutputCallResponse(payload=self._payload(parameters.size))


def code_of(number):
    return next(code for code in grpc.StatusCode if code.value[0] == number)


def with_details():
    details = []
    for detail in (
        error_details_pb2.ErrorInfo(reason="STATE", domain="kit.test", metadata={"is": "off"}),
        error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=500_000_000)),
    ):
        packed = any_pb2.Any()
        packed.Pack(detail)
        details.append(packed)
    return status_pb2.Status(code=9, message="not in this state", details=details)


def serve(pool):
    messages = Messages(pool)
    service = TestService(messages)
    handlers = {}
    for method in pool.FindServiceByName(SERVICE).methods:
        if not hasattr(service, method.name):
            continue
        kind = KINDS[(method.client_streaming, method.server_streaming)]
        handlers[method.name] = getattr(grpc, kind + "_rpc_method_handler")(
            getattr(service, method.name),
            request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    statuses = health.HealthServicer()
    statuses.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(statuses, server)
    reflection.enable_server_reflection((SERVICE, reflection.SERVICE_NAME), server, pool)
    say(port=server.add_insecure_port("127.0.0.1:0"))
    server.start()
    sys.stdin.read()
    server.stop(1).wait()


# --- client ---


class Client:
    def __init__(self, channel, pool):
        self.channel = channel
        self.messages = Messages(pool)
        self.pool = pool

    def stub(self, name):
        method = self.pool.FindServiceByName(SERVICE).methods_by_name[name]
        return getattr(self.channel, KINDS[(method.client_streaming, method.server_streaming)])(
            f"/{SERVICE}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )

    def _request(self, *sizes, **fields):
        return self.messages.StreamingOutputCallRequest(
            response_parameters=[self.messages.ResponseParameters(size=size) for size in sizes],
            **fields,
        )

    def unary(self):
        call = self.stub("UnaryCall")
        request = self.messages.SimpleRequest(response_size=314159)
        return {"size": len(call(request, timeout=10).payload.body)}

    def server_stream(self):
        replies = self.stub("StreamingOutputCall")(self._request(31415, 9, 2653), timeout=10)
        return {"sizes": [len(reply.payload.body) for reply in replies]}

    def client_stream(self):
        sizes = (27182, 8, 1828, 45904)
        requests = (
            self.messages.StreamingInputCallRequest(payload=self.messages.Payload(body=bytes(size)))
            for size in sizes
        )
        reply = self.stub("StreamingInputCall")(requests, timeout=10)
        return {"size": reply.aggregated_payload_size}

    def bidi_stream(self):
        """Sends each request only after the reply to the one before."""
        got, sizes = [], [31415, 9, 2653]
        turn = threading.Semaphore(1)

        def requests():
            for size in sizes:
                turn.acquire()
                yield self._request(size)

        for reply in self.stub("FullDuplexCall")(requests(), timeout=10):
            got.append(len(reply.payload.body))
            turn.release()
        return {"sizes": got}

    def metadata(self):
        sent = [
            ("x-grpc-test-echo-initial", "hello"),
            ("x-grpc-test-echo-trailing-bin", b"\x00\xff\x0a"),
            ("x-many", "one"),
            ("x-many", "two, three"),
        ]
        request = self.messages.SimpleRequest()
        _, call = self.stub("UnaryCall").with_call(request, metadata=sent, timeout=10)

        def plain(metadata):
            return [
                [key, base64.b64encode(value).decode() if isinstance(value, bytes) else value]
                for key, value in metadata
            ]

        return {
            "header": plain(call.initial_metadata()),
            "trailer": plain(call.trailing_metadata()),
        }

    def error(self):
        status = self.messages.EchoStatus(code=5, message="no such thing: ☺ %")
        try:
            self.stub("UnaryCall")(self.messages.SimpleRequest(response_status=status), timeout=10)
        except grpc.RpcError as error:
            return {"code": error.code().name, "message": error.details()}

    def details(self):
        try:
            self.stub("UnaryCall")(
                self.messages.SimpleRequest(), metadata=[("x-details", "1")], timeout=10
            )
        except grpc.RpcError as error:
            status = rpc_status.from_call(error)
            return {
                "code": error.code().name,
                "message": error.details(),
                "details": status and json_format.MessageToDict(status)["details"],
            }

    def deadline(self):
        request = self._request(1)
        request.response_parameters[0].interval_us = 5_000_000
        begin = time.monotonic()
        try:
            list(self.stub("StreamingOutputCall")(request, timeout=0.3))
        except grpc.RpcError as error:
            return {"code": error.code().name, "ms": (time.monotonic() - begin) * 1000}

    def cancel(self):
        request = self._request(1, 2)
        request.response_parameters[1].interval_us = 5_000_000
        replies = self.stub("StreamingOutputCall")(request, timeout=10)
        first = len(next(replies).payload.body)
        replies.cancel()
        try:
            next(replies)
        except grpc.RpcError as error:
            return {"first": first, "code": error.code().name}

    def _compressed(self, algorithm):
        payload = self.messages.Payload(body=bytes(100_000))
        reply = self.stub("UnaryCall")(
            self.messages.SimpleRequest(response_size=200_000, payload=payload),
            compression=algorithm,
            timeout=10,
        )
        return {"size": len(reply.payload.body)}

    def gzip(self):
        return self._compressed(grpc.Compression.Gzip)

    def deflate(self):
        return self._compressed(grpc.Compression.Deflate)

    def server_compressed_unary(self):
        sizes = []
        for value in (True, False):
            request = self.messages.SimpleRequest(
                response_size=314159, response_compressed=self.messages.BoolValue(value=value)
            )
            sizes.append(len(self.stub("UnaryCall")(request, timeout=10).payload.body))
        return {"sizes": sizes}

    def server_compressed_streaming(self):
        request = self._request(31415, 92653)
        for parameters, value in zip(request.response_parameters, (True, False)):
            parameters.compressed.value = value
        replies = self.stub("StreamingOutputCall")(request, timeout=10)
        return {"sizes": [len(reply.payload.body) for reply in replies]}

    def health(self):
        stub = health_pb2_grpc.HealthStub(self.channel)
        names = health_pb2.HealthCheckResponse.ServingStatus.Name

        def check(service):
            try:
                request = health_pb2.HealthCheckRequest(service=service)
                return names(stub.Check(request, timeout=10).status)
            except grpc.RpcError as error:
                return error.code().name

        def first(service):
            watch = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=10)
            try:
                return names(next(watch).status)
            finally:
                watch.cancel()

        listed = stub.List(health_pb2.HealthListRequest(), timeout=10).statuses
        services = ("", SERVICE, "no.such.Service")
        return {
            "check": [check(service) for service in services],
            "watch": [first(service) for service in services],
            "list": {service: names(found.status) for service, found in listed.items()},
        }

    def watch(self):
        """Prints each status as it comes, until the server ends the stream."""
        stub = health_pb2_grpc.HealthStub(self.channel)
        try:
            for reply in stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=20):
                say(status=health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status))
        except grpc.RpcError as error:
            return {"end": error.code().name}
        return {"end": "OK"}

    def reflection(self):
        """Learns of the service from the server alone, and calls it."""
        database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(database)
        self.messages = Messages(self.pool)
        try:
            self.pool.FindMessageTypeByName("no.such.Type")
            unknown = "found"
        except KeyError:
            unknown = "not found"
        return {
            "services": sorted(database.get_services()),
            "methods": [m.name for m in self.pool.FindServiceByName(SERVICE).methods],
            "unknown": unknown,
            **self.unary(),
        }


def main():
    role, files, *rest = sys.argv[1:]
    pool = load(files)
    if role == "server":
        return serve(pool)
    port, case = rest
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        say(**getattr(Client(channel, pool), case)())


main()
