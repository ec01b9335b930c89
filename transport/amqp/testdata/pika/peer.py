"""pika as the peer of Kit's AMQP transport.

peer.py server PORT QUEUE    serves QUEUE, and writes "ready"
peer.py client PORT QUEUE    calls QUEUE, and writes what it got, as JSON
peer.py nested PORT QUEUE    sends to QUEUE a message whose headers are tables in tables
"""

import json
import sys
import threading

import pika


def connect(port):
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(port)))


def server(port, queue):
    channel = connect(port).channel()

    def serve(channel, method, properties, body):
        request = json.loads(body)
        headers = {"x-served-by": "pika", "n": 7, "list": ["a", "b"]}
        if request["s"] == "missing":
            headers.update({
                "kit-error-code": "not_found",
                "kit-error-details": json.dumps([{"word": "missing"}]),
                "kit-retry-after-ms": 250,
            })
            response = {"err": "no such word"}
        else:
            response = {
                "v": request["s"].upper(),
                "headers": properties.headers,
                "type": properties.content_type,
                "mode": properties.delivery_mode,
                "priority": properties.priority,
                "expires": properties.expiration is not None,
            }
        channel.basic_publish("", properties.reply_to, json.dumps(response).encode(),
                              pika.BasicProperties(correlation_id=properties.correlation_id,
                                                   headers=headers))
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, serve)
    print("ready", flush=True)
    channel.start_consuming()


def client(port, queue):
    connection = connect(port)
    channel = connection.channel()
    answers = []
    channel.basic_consume("amq.rabbitmq.reply-to", lambda *args: answers.append(args), auto_ack=True)
    for i, body in enumerate([b'{"s":"hello"}', b'{"s":"missing"}', b'{"s":"secret"}', b'{"s":"busy"}',
                              b"{", b'{"s":1}', b'{"s":"late"}']):
        headers = {"x-request-id": "a1b2", "x-request-timeout-ms": 0 if b"late" in body else 30000,
                   "list": ["a", "b"]}
        channel.basic_publish("", queue, body,
                              pika.BasicProperties(reply_to="amq.rabbitmq.reply-to",
                                                   correlation_id=f"call-{i}", headers=headers))
        while len(answers) <= i:
            connection.process_data_events(time_limit=1)
    json.dump([{
        "id": properties.correlation_id,
        "type": properties.content_type,
        "headers": properties.headers or {},
        "body": body.decode(),
    } for _, _, properties, body in answers], sys.stdout)
    connection.close()


def nested(port, queue):
    channel = connect(port).channel()
    headers = {}
    for _ in range(12000):
        headers = {"a": headers}
    channel.basic_publish("", queue, b'"deep"', pika.BasicProperties(headers=headers))
    channel.connection.close()


def main():
    {"server": server, "client": client, "nested": nested}[sys.argv[1]](*sys.argv[2:])


sys.setrecursionlimit(1_000_000)
threading.stack_size(512 * 1024 * 1024)
thread = threading.Thread(target=main, daemon=sys.argv[1] == "server")
thread.start()
thread.join()
