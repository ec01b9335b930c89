"""Reads and writes streams with libraries of others: see streams_integration_test.ts."""
import asyncio
import json
import sys

sys.path.insert(0, sys.argv[1])


def tell(port):
    # In one piece, whatever the buffering: who reads it leaves then.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def sse_client(url, last_event_id):
    import httpx
    from httpx_sse import connect_sse

    headers = {"Last-Event-ID": last_event_id}
    with httpx.Client() as client, connect_sse(client, "GET", url, headers=headers) as source:
        for event in source.iter_sse():
            print(json.dumps([event.event, event.id, event.json()]))


def sse_server(_):
    import uvicorn
    from sse_starlette import EventSourceResponse
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def events(to, last):
        for n in range(1, to + 1):
            yield {"id": str(n), "data": json.dumps({"n": n, "text": "é\u2028"})}
            await asyncio.sleep(0.01)
        if last:
            yield last

    async def serve(request):
        last = {
            "/end": {"event": "end", "data": "true"},
            "/error": {"event": "error", "data": '{"code":"aborted","message":"Try again"}'},
            "/cut": None,
        }[request.url.path]
        return EventSourceResponse(events((await request.json())["to"], last), ping=1)

    app = Starlette(routes=[Route("/{kind}", serve, methods=["POST"])])
    config = uvicorn.Config(app, port=0, log_level="error")
    server = uvicorn.Server(config)

    async def run():
        config.load()
        import socket

        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        tell(sock.getsockname()[1])
        await server.serve(sockets=[sock])

    asyncio.run(run())


def ws_client(url, protocol, count):
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    with connect(url, subprotocols=[protocol], additional_headers={"X-User": "ada"}) as socket:
        print(json.dumps(["protocol", socket.subprotocol]))
        credit = 0 if protocol.endswith("credit") else int(count)
        sent = 0
        if protocol.endswith("credit"):
            socket.send('{"credit":1000}')
        try:
            while True:
                while credit > 0 and sent < int(count):
                    sent += 1
                    credit -= 1
                    socket.send(json.dumps({"item": sent}))
                    if sent == int(count):
                        socket.send('{"end":true}')
                frame = json.loads(socket.recv())
                credit += frame.get("credit", 0)
                if "credit" not in frame:
                    print(json.dumps(frame))
        except ConnectionClosed as closed:
            print(json.dumps(["closed", closed.rcvd.code, closed.rcvd.reason]))


def ws_server(_):
    from websockets.asyncio.server import serve

    async def handle(socket):
        path = socket.request.path
        is_credited = socket.subprotocol == "kit.stream.credit"
        credit, taken = 0, 0
        if is_credited:
            await socket.send('{"credit":4}')
        async for text in socket:
            frame = json.loads(text)
            credit += frame.get("credit", 0)
            if "item" in frame:
                if path == "/error":
                    await socket.send('{"error":{"code":"not_found","message":"None"}}')
                    await socket.close(4005, "None")
                    return
                if path == "/close":
                    await socket.close(4005, "None")
                    return
                if path == "/cut":
                    socket.transport.abort()
                    return
                assert credit > 0 or not is_credited
                credit -= 1
                await socket.send(json.dumps({"item": 2 * frame["item"]}))
                taken += 1
                if is_credited and taken % 4 == 0:
                    await socket.send('{"credit":4}')
            if "end" in frame:
                await socket.send('{"end":true}')
                return

    async def run():
        protocols = ["kit.stream", "kit.stream.credit"]
        async with serve(handle, "127.0.0.1", 0, subprotocols=protocols) as server:
            tell(server.sockets[0].getsockname()[1])
            await server.serve_forever()

    asyncio.run(run())


commands = {
    "sse-client": sse_client,
    "sse-server": sse_server,
    "ws-client": ws_client,
    "ws-server": ws_server,
}
commands[sys.argv[2]](*sys.argv[3:])
