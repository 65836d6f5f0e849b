"""nats.py: the little of the NATS protocol that is needed to read a stream and to be a worker."""
import json
import os
import queue
import socket
import threading


class Message:
    __slots__ = ("subject", "reply", "headers", "data")

    def __init__(self, subject, reply, headers, data):
        self.subject, self.reply, self.headers, self.data = subject, reply, headers, data


def read_headers(block):
    first, _, rest = block.decode("utf-8").partition("\r\n")
    headers = {"status": first[len("NATS/1.0") :].strip()[:3]}
    for line in rest.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name] = value.strip()
    return headers


class Nats:
    """One connection. Functions given to subscribe run on its reading thread."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.settimeout(None)
        self.file = self.socket.makefile("rb", 1 << 20)
        self.file.readline()  # INFO
        self.lock, self.subscriptions, self.closed = threading.Lock(), {}, False
        self.send(b'CONNECT {"verbose":false,"headers":true,"no_responders":true,"protocol":1}\r\nPING\r\n')
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def send(self, data):
        with self.lock:
            self.socket.sendall(data)

    def close(self):
        self.closed = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join()
        self.file.close()
        self.socket.close()

    def read(self):
        try:
            while self.read_one(self.file.readline()):
                pass
        except (OSError, ValueError):
            pass
        self.closed = True

    def read_one(self, line):
        words = line.decode("utf-8").split()
        if not words:
            return False
        if words[0] == "PING":
            self.send(b"PONG\r\n")
        elif words[0] in ("MSG", "HMSG"):
            headed = words[0] == "HMSG"
            sizes = [int(w) for w in words[-2 if headed else -1 :]]
            body = self.file.read(sizes[-1] + 2)[:-2]
            reply = words[3] if len(words) == (6 if headed else 5) else None
            headers = read_headers(body[: sizes[0]]) if headed else {}
            message = Message(words[1], reply, headers, body[sizes[0] :] if headed else body)
            self.subscriptions[words[2]](message)
        return True

    def subscribe(self, subject, function, group=""):
        sid = str(len(self.subscriptions) + 1)
        self.subscriptions[sid] = function
        self.send(("SUB %s %s %s\r\n" % (subject, group, sid)).encode())

    def publish(self, subject, data, reply=""):
        self.send(("PUB %s %s %d\r\n" % (subject, reply, len(data))).encode() + data + b"\r\n")

    def inbox(self):
        """A subject of our own, and the queue of what arrives there."""
        subject, arrived = "_INBOX." + os.urandom(12).hex(), queue.Queue()
        self.subscribe(subject, arrived.put)
        return subject, arrived

    def request(self, subject, document, timeout=30):
        reply, arrived = self.inbox()
        self.publish(subject, json.dumps(document).encode(), reply)
        return json.loads(arrived.get(timeout=timeout).data)


def stream_messages(port, stream):
    """Every message of the stream, in its order."""
    nats = Nats(port)
    try:
        config = {"ack_policy": "none", "deliver_policy": "all", "replay_policy": "instant"}
        asked = {"stream_name": stream, "config": config}
        made = nats.request("$JS.API.CONSUMER.CREATE." + stream, asked)
        if "error" in made:
            raise OSError("stream %s: %s" % (stream, made["error"]))
        left = made["num_pending"]
        inbox, arrived = nats.inbox()
        while left > 0:
            batch = min(left, 500)
            ask = {"batch": batch, "expires": 20 * 10**9}
            nats.publish("$JS.API.CONSUMER.MSG.NEXT.%s.%s" % (stream, made["name"]), json.dumps(ask).encode(), inbox)
            for _ in range(batch):
                message = arrived.get(timeout=30)
                if message.headers.get("status", ""):
                    raise OSError("stream %s: status %s" % (stream, message.headers["status"]))
                yield message
            left -= batch
    finally:
        nats.close()


class Worker:
    """Does every task of one service, and repeats its answer until the daemon has said that it has it."""

    def __init__(self, port, service, work):
        self.nats, self.work = Nats(port), work
        self.lock, self.open, self.done = threading.Lock(), {}, []  # done: (token, reply)
        self.replies = "_INBOX." + os.urandom(12).hex()
        self.nats.subscribe(self.replies + ".*", self.on_reply)
        self.nats.subscribe("fsm.task." + service, self.on_task, "workers")
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.repeat, daemon=True)
        self.thread.start()

    def on_task(self, message):
        task = json.loads(message.data)
        with self.lock:
            self.open[task["token"]] = self.work(task)
        self.nats.publish(message.reply, b"accepted")
        self.answer(task["token"])

    def answer(self, token):
        with self.lock:
            answer = self.open.get(token)
        if answer is None:
            return
        verb = "fail" if "error" in answer else "complete"
        document = json.dumps({"token": token, **answer}).encode()
        self.nats.publish("fsm.cmd.task." + verb, document, self.replies + "." + token)

    def on_reply(self, message):
        token = message.subject.rpartition(".")[2]
        if message.headers.get("status") == "503":
            return  # nobody there: the daemon is down
        with self.lock:
            if self.open.pop(token, None) is not None:
                self.done.append((token, json.loads(message.data)))

    def repeat(self):
        while not self.stopping.wait(0.3) and not self.nats.closed:
            with self.lock:
                tokens = list(self.open)
            for token in tokens:
                try:
                    self.answer(token)
                except OSError:
                    return

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.nats.close()
