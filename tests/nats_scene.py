"""nats_scene.py: an fsmd with its own nats-server, and a client of its API over NATS: request and reply with headers,
and messages for its work queue."""
import json
import os
import queue
import shutil
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "kill.d"))

from nats import Nats
from http_daemon import DEFINITION, WAIT, Daemon, NatsServer, await_, token

ADMIN = "fsmd-admin"


class Reply:
    def __init__(self, message):
        self.headers, self.text = message.headers, message.data
        self.status = int(message.headers.get("Fsm-Status", "0"))
        self.json = json.loads(message.data) if message.data else None

    def __repr__(self):
        return "%d %s %s" % (self.status, self.headers, self.text.decode("utf-8", "replace"))


class Client(Nats):
    """Requests to one daemon, or to whoever is in the group."""

    def __init__(self, port):
        super().__init__(port)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def head(self, headers):
        lines = "".join("%s: %s\r\n" % pair for pair in headers)
        return ("NATS/1.0\r\n" + lines + "\r\n").encode("utf-8", "surrogateescape")

    def publish_with(self, subject, data, headers=(), reply=""):
        head = self.head(headers.items() if isinstance(headers, dict) else headers)
        line = "HPUB %s %s %d %d\r\n" % (subject, reply, len(head), len(head) + len(data))
        self.send(line.encode() + head + data + b"\r\n")

    def begin(self, verb, document=None, headers=None, auth=None, raw=None):
        """The queue in which the answer arrives. auth: a token; False: none."""
        reply, arrived = self.inbox()
        given = list((headers or {}).items()) if not isinstance(headers, list) else headers
        if auth is not False:
            given = given + [("Authorization", "Bearer " + (auth or token(aud=ADMIN)))]
        data = raw if raw is not None else json.dumps(document if document is not None else {}).encode()
        self.publish_with("fsm.cmd." + verb, data, given, reply)
        return arrived

    def ask(self, verb, document=None, headers=None, auth=None, raw=None):
        return Reply(self.begin(verb, document, headers, auth, raw).get(timeout=WAIT))

    def queue(self, verb, document, headers=None, auth=None, raw=None):
        """A message of the queue, published as JetStream wants it; its sequence."""
        reply, arrived = self.inbox()
        given = dict(headers or {})
        if auth is not False:
            given["Authorization"] = "Bearer " + (auth or token(aud=ADMIN))
        self.publish_with("fsm.queue." + verb, raw if raw is not None else json.dumps(document).encode(), given, reply)
        answer = json.loads(arrived.get(timeout=WAIT).data)
        assert "error" not in answer, answer
        return answer["seq"]

    def silent(self, arrived, seconds=0.3):
        try:
            return arrived.get(timeout=seconds) is None
        except queue.Empty:
            return True


class Scene:
    """A server, a daemon and a client; remove() when done."""

    def __init__(self, *options, key=True):
        self.dir = tempfile.mkdtemp(prefix="test_nats.")
        self.server = NatsServer(self.dir)
        self.start_server()
        self.d = Daemon("--nats", self.server.url, *options, key=key)
        self.wait_served()
        self.client = Client(self.server.port)

    def start_server(self):
        self.server.start()
        await_("nats-server", self.server_answers)

    def server_answers(self):
        try:
            Nats(self.server.port).close()
            return True
        except OSError:
            return False

    def wait_served(self, auth=None):
        """Until a request is answered."""
        def served():
            try:
                client = Client(self.server.port)
            except OSError:
                return False
            try:
                reply = client.begin("list", {"limit": 1}).get(timeout=2)
                return "Fsm-Status" in reply.headers
            except (queue.Empty, OSError):
                return False
            finally:
                client.close()
        await_("the API over NATS", served)

    def deploy(self, definition=DEFINITION):
        answer = self.d.request("POST", "/v1/machines", definition, auth=token(aud=ADMIN))
        assert answer.status in (200, 201), answer
        return answer

    def remove(self):
        self.client.close()
        self.d.remove()
        self.server.stop()
        shutil.rmtree(self.dir)


def there():
    return NatsServer.there()


def stamp(seconds):
    now = time.time() + seconds
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ("%.3f" % (now % 1))[1:] + "Z"
