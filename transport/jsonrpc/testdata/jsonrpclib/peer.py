"""jsonrpclib-pelix as the peer of Kit's JSON-RPC transport.

    peer.py server        serves, and writes its port
    peer.py client URL    calls URL, and writes what it got, as JSON
"""

import json
import logging
import sys

import jsonrpclib
from jsonrpclib.SimpleJSONRPCServer import SimpleJSONRPCServer

logging.disable(logging.CRITICAL)


def server():
    notes = []

    def note(text):
        notes.append(text)

    def fail(text):
        raise RuntimeError(text)

    running = SimpleJSONRPCServer(("127.0.0.1", 0), logRequests=False)
    running.register_function(lambda a, b: {"v": a + b}, "sum")
    running.register_function(lambda: 2**53 + 1, "big")
    running.register_function(note, "note")
    running.register_function(lambda: notes, "notes")
    running.register_function(fail, "fail")
    print(running.server_address[1], flush=True)
    running.serve_forever()


def told(call):
    """What comes of a call: its result, or the code and the text of its error."""
    try:
        return call()
    except jsonrpclib.jsonrpc.TransportError as error:
        return {"status": error.errcode}
    except jsonrpclib.AppError as error:
        return {"error": list(error.args[0])}
    except jsonrpclib.ProtocolError as error:
        return {"error": list(error.args[0])}


def client(url):
    proxy = jsonrpclib.ServerProxy(url)
    answers = {
        "by name": told(lambda: proxy.sum(a=1, b=2)),
        "by position": told(lambda: proxy.sum(3, 4)),
        "wrong type": told(lambda: proxy.sum(a="1", b=2)),
        "gone": told(proxy.gone),
        "inherited": [
            told(lambda name=name: proxy._request(name, []))["error"][0]
            for name in ("__proto__", "constructor", "toString")
        ],
        "not found": told(proxy.fail),
        "secret": told(proxy.secret),
        "own": told(proxy.own),
        # It takes no status but 200, and cannot use the connection any more.
        "notification": told(lambda: jsonrpclib.ServerProxy(url)._notify.note("alone")),
    }

    batch = jsonrpclib.MultiCall(proxy)
    batch.sum(a=1, b=1)
    batch._notify.note("in a batch")
    batch.gone()
    batch.sum(2, 2)
    results = batch()
    answers["batch"] = [told(lambda i=i: results[i]) for i in range(len(results))]

    # Beyond 64 bits some of its JSON parsers round.
    ids = [0, -7, 1.5, 2**53 + 1, 2**63 - 25, "a", "", "\u00fc\n", None]
    answers["ids"] = all(
        proxy._run_request(
            json.dumps({"jsonrpc": "2.0", "method": "sum", "params": [1, 2], "id": id})
        )["id"]
        == id
        for id in ids
    )
    answers["batch of ids"] = [
        one["id"]
        for one in proxy._run_request(
            json.dumps([{"jsonrpc": "2.0", "method": "sum", "params": [1, 2], "id": id} for id in ids])
        )
    ] == ids
    answers["garbage"] = proxy._run_request('{"jsonrpc": "2.0", "method"')
    answers["empty batch"] = proxy._run_request("[]")
    answers["notes"] = proxy.notes()
    json.dump(answers, sys.stdout)


if sys.argv[1] == "server":
    server()
else:
    client(sys.argv[2])
