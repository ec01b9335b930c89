"""NATS for Python as a peer of Kit's transport: `peer.py server URL` and `peer.py client URL`."""

import asyncio
import json
import sys

import nats
from nats import micro


async def serve(connection):
    """Answers as a service of NATS' services API does, until its input ends."""

    async def uppercase(request):
        s = json.loads(request.data)["s"]
        if s == "missing":
            await request.respond_error("404", 'Cannot find "missing"', b"nothing")
        elif s == "boom":
            await request.respond_error("500", "it broke")
        else:
            await request.respond(json.dumps({"v": s.upper()}).encode())

    async def headers(request):
        body = json.dumps(request.headers).encode()
        await request.respond(body, headers={"x-served-by": "nats-py"})

    service = await micro.add_service(connection, name="py", version="1.0.0")
    await service.add_endpoint(name="uppercase", subject="py.uppercase", handler=uppercase)
    await service.add_endpoint(name="headers", subject="py.headers", handler=headers)
    await connection.flush()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await service.stop()


async def call(connection):
    """Makes the calls of its input, and writes what comes of each."""
    for line in sys.stdin:
        todo = json.loads(line)
        try:
            reply = await connection.request(
                todo["subject"],
                todo["body"].encode(),
                timeout=todo.get("timeout", 5),
                headers=todo.get("header"),
            )
            out = {"body": reply.data.decode(), "header": reply.headers}
        except nats.errors.Error as error:
            out = {"error": type(error).__name__}
        print(json.dumps(out), flush=True)


async def main():
    connection = await nats.connect(sys.argv[2])
    await (serve if sys.argv[1] == "server" else call)(connection)
    await connection.close()


asyncio.run(main())
