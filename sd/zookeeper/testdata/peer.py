"""Another client of ZooKeeper, for the tests: peer.py SERVER COMMAND PATH [ARGUMENT...]"""
import json
import logging
import random
import sys
import time

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

logging.disable(logging.WARNING)
server, command, path, *arguments = sys.argv[1:]
client = KazooClient(hosts=server, timeout=5)
client.start()


def say(value):
    print(json.dumps(value), flush=True)


def nodes():
    """What is below the path: by name, the data and whose session it is."""
    found = {}
    for name in client.get_children(path):
        try:
            data, stat = client.get(f"{path}/{name}")
            found[name] = [data.decode(), hex(stat.ephemeralOwner)]
        except NoNodeError:
            pass
    return found


if command == "register":  # DATA: as Go kit does, until the input ends
    client.ensure_path(path)
    name = f"{path}/_c_{'%032x' % random.getrandbits(128)}-"
    say(client.create(name, arguments[0].encode(), ephemeral=True, sequence=True))
    sys.stdin.read()
elif command == "nodes":  # [CREDENTIALS]
    for credentials in arguments:
        client.add_auth("digest", credentials)
    say(nodes())
elif command == "put":  # DATA...
    client.ensure_path(path)
    for number, data in enumerate(arguments):
        client.create(f"{path}/put{number}", data.encode())
    say(len(arguments))
elif command == "delete":  # NAME...
    for name in arguments:
        client.delete(f"{path}/{name}")
    say(len(arguments))
elif command == "storm":  # SECONDS: a hundred creations and deletions a second
    client.ensure_path(path)
    start = time.monotonic()
    mine, changes = {}, 0
    while time.monotonic() < start + float(arguments[0]):
        changes += 1
        name = f"n{random.randrange(40)}"
        if name in mine:
            client.delete(f"{path}/{name}")
            del mine[name]
        else:
            mine[name] = f"10.0.0.1:{changes}"
            client.create(f"{path}/{name}", mine[name].encode())
        time.sleep(max(0, start + changes / 100 - time.monotonic()))
    say([changes, sorted(mine.values())])
else:
    sys.exit(f"no such command: {command}")
client.stop()
