"""Apache Thrift's own Python library, as server and as client.

peer.py serve PORT PROTOCOL TRANSPORT    serves until it is killed
peer.py call PORT PROTOCOL TRANSPORT     runs checks against a server; prints "ok NAME" for each
peer.py uuid PROTOCOL                    prints a message with UUIDs, as hexadecimal digits
"""

import sys
import threading
import time
import uuid

from gauntlet import Later
from gauntlet.ttypes import Color, Everything, Leaf, NotFound, Size, SumReply
from thrift.protocol.TBinaryProtocol import TBinaryProtocolFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolFactory
from thrift.protocol.TJSONProtocol import TJSONProtocolFactory
from thrift.server.THttpServer import THttpServer
from thrift.server.TServer import TThreadedServer
from thrift.Thrift import TApplicationException, TType
from thrift.transport import THttpClient, TSocket, TTransport

PROTOCOLS = {
    "binary": TBinaryProtocolFactory,
    "lax": lambda: TBinaryProtocolFactory(strictRead=False, strictWrite=False),
    "compact": TCompactProtocolFactory,
    "json": TJSONProtocolFactory,
}


def everything():
    return Everything(
        yes=True,
        tiny=-128,
        small=-32768,
        medium=-2147483648,
        large=-(2**63),
        real=-1.5e-300,
        text='h\u00e9llo "\\\n\u20ac \U0001f600',
        bytes=bytes(range(256)),
        numbers=list(range(-20, 20)),
        names={"a", "b", "\u00e9"},
        counts={"min": -(2**63), "max": 2**63 - 1, "zero": 0},
        color=Color.GREEN,
        leaf=Leaf(id=1, label="one"),
        nested=[{1: [True, False], -5: []}, {}],
        flags=[True, False, True],
        size=Size(named="large"),
        leaves={7: Leaf(id=7), -7: Leaf(id=-7, label="")},
        many=[Leaf(id=i) for i in range(20)],
        far=-1,
        no=False,
    )


class Handler:
    def __init__(self):
        self.text = ""
        self.heard = threading.Event()

    def echo(self, value):
        return value

    def sum(self, a, b):
        return SumReply(value=a + b, err="")

    def find(self, id):
        if id == "missing":
            raise NotFound(id=id, message="no such thing")
        return "found " + id

    def ping(self):
        pass

    def tell(self, text):
        self.text = text
        self.heard.set()

    def told(self):
        self.heard.wait(5)
        self.heard.clear()
        return self.text

    def fail(self, how):
        if how == "application":
            raise TApplicationException(TApplicationException.INTERNAL_ERROR, "told so")
        raise RuntimeError("password=hunter2")

    def slow(self, ms):
        time.sleep(ms / 1000)
        return ms


def serve(port, protocol, transport):
    from gauntlet import Gauntlet

    processor = Gauntlet.Processor(Handler())
    factory = PROTOCOLS[protocol]()
    if transport == "http":
        THttpServer(processor, ("127.0.0.1", port), factory).serve()
        return
    wrap = (
        TTransport.TFramedTransportFactory()
        if transport == "framed"
        else TTransport.TBufferedTransportFactory()
    )
    TThreadedServer(
        processor, TSocket.TServerSocket("127.0.0.1", port), wrap, factory, daemon=True
    ).serve()


def connect(port, protocol, transport):
    if transport == "http":
        wire = THttpClient.THttpClient("http://127.0.0.1:%d/" % port)
        wire.setCustomHeaders({"X-Request-Id": "py-7"})
    else:
        socket = TSocket.TSocket("127.0.0.1", port)
        socket.setTimeout(10000)
        wire = (
            TTransport.TFramedTransport(socket)
            if transport == "framed"
            else TTransport.TBufferedTransport(socket)
        )
    wire.open()
    return Later.Client(PROTOCOLS[protocol]().getProtocol(wire)), wire


def rejects(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("nothing was raised")


def call(port, protocol, transport):
    client, wire = connect(port, protocol, transport)

    def check(name, value):
        print(("ok " if value else "FAILED ") + name, flush=True)

    check("echo", client.echo(everything()) == everything())
    check("sum", client.sum(2**63 - 1, -1).value == 2**63 - 2)
    check("sum of extremes", client.sum(-(2**63), 0).value == -(2**63))
    check("find", client.find("x") == "found x")
    error = rejects(NotFound, lambda: client.find("missing"))
    check("declared exception", (error.id, error.message) == ("missing", "no such thing"))
    client.ping()
    check("void", True)
    client.tell("hear, hear")
    check("oneway", client.told() == "hear, hear")
    error = rejects(TApplicationException, lambda: client.unheardOf("x"))
    check("unknown method", error.type == TApplicationException.UNKNOWN_METHOD)
    error = rejects(TApplicationException, lambda: client.fail("secret"))
    check("unknown error", error.message == "Unknown error" and error.type == 0)
    error = rejects(TApplicationException, lambda: client.fail("kit"))
    check("error with a code", error.message == "Busy" and error.type == 0)
    error = rejects(TApplicationException, lambda: client.fail("internal"))
    check("internal error", error.type == TApplicationException.INTERNAL_ERROR)
    check("after errors", client.find("y") == "found y")
    wire.close()

    done = []

    def run():
        own, own_wire = connect(port, protocol, transport)
        for i in range(20):
            assert own.sum(i, 1).value == i + 1
        own_wire.close()
        done.append(1)

    threads = [threading.Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("ten at once", len(done) == 10)


def write_uuid(protocol):
    """By hand, as Debian's compiler is older than the type."""
    buffer = TTransport.TMemoryBuffer()
    output = PROTOCOLS[protocol]().getProtocol(buffer)
    value = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
    output.writeMessageBegin("m", 1, 7)
    output.writeStructBegin("S")
    output.writeFieldBegin("one", TType.UUID, 1)
    output.writeUuid(value)
    output.writeFieldEnd()
    output.writeFieldBegin("many", TType.LIST, 2)
    output.writeListBegin(TType.UUID, 2)
    output.writeUuid(value)
    output.writeUuid(value)
    output.writeListEnd()
    output.writeFieldEnd()
    output.writeFieldStop()
    output.writeStructEnd()
    output.writeMessageEnd()
    print(buffer.getvalue().hex())


if __name__ == "__main__":
    if sys.argv[1] == "uuid":
        write_uuid(sys.argv[2])
        sys.exit()
    role, port, protocol, transport = sys.argv[1:]
    {"serve": serve, "call": call}[role](int(port), protocol, transport)
