"""A small server that speaks `_bulk` as Elasticsearch does, and fails as it does.

It keeps documents by index and id, refuses a create of what is there with 409, and checks that every body it
gets is what the interface asks for (`violations`). What it does with a request is the next word of `script`;
behind its end, `good`:

  good            takes them
  429 503 413 401 403 404 302 400 ...   that status, nothing taken; "429:2" with Retry-After: 2
  items429 items503   every third item that status, the others taken
  index404        every item 404 index_not_found_exception
  taken-then-cut  takes them and closes the connection in the middle of the answer
  cut             takes nothing and does the same
  closed          closes without a word
  silent          takes nothing and never answers
  taken-silent    takes them and never answers
  dribble         answers a byte each 50 ms, for ever
  notjson short long swapped otherid nostatus empty   takes them, and answers that
  huge            takes them, and answers more than anybody reads
  slow            takes them after 0.3 s

Documents with data.bad are refused with 400 mapper_parsing_exception, as a clash of types would be.
"""

import json
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INDEX = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,254}")


class Elastic:
    def __init__(self, script=(), max_bytes=None, tls=None, greeting=None, only_token=None):
        self.script = list(script)
        self.max_bytes = max_bytes
        self.greeting = greeting or {"version": {"number": "8.11.0"}}
        self.only_token = only_token  # the value of Authorization that is accepted
        self.indices = {}
        self.violations = []
        self.requests = []  # (word, items, bytes, monotonic time)
        self.headers = []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def do_GET(self):
                server.greet(self)

            def do_POST(self):
                server.take(self)

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass  # a client that went away

        self.http = Quiet(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls["cert"], tls["key"])
            if tls.get("client_ca"):
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(tls["client_ca"])
            # the handshake is the thread's of the connection, not the one's that accepts
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True,
                                                   do_handshake_on_connect=False)
        self.port = self.http.server_address[1]
        self.url = ("https://localhost:%d" if tls else "http://127.0.0.1:%d") % self.port
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.http.shutdown()
        self.http.server_close()

    def documents(self):
        """id → (index, document)"""
        return {i: (name, doc) for name, docs in self.indices.items() for i, doc in docs.items()}

    # ---- answers

    @staticmethod
    def answer(h, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        h.send_response(status)
        h.send_header("Content-Type", "application/json")
        h.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            h.send_header(name, value)
        h.end_headers()
        h.wfile.write(data)

    def permitted(self, h):
        if self.only_token is None or h.headers.get("Authorization") == self.only_token:
            return True
        self.answer(h, 401, {"error": {"type": "security_exception"}, "status": 401})
        return False

    def greet(self, h):
        if self.permitted(h):
            self.answer(h, 200, self.greeting)

    def wrong(self, text):
        self.violations.append(text)

    def read_actions(self, h, body):
        """[(index, id, document)]"""
        if not re.fullmatch(r"(/[a-z]+)?/_bulk\?filter_path=.*", h.path):
            self.wrong("path " + h.path)
        if h.headers.get("Content-Type") != "application/x-ndjson":
            self.wrong("content type %s" % h.headers.get("Content-Type"))
        if not body.endswith(b"\n"):
            self.wrong("no newline at the end")
        lines = body.decode("utf-8").split("\n")[:-1]
        if len(lines) % 2 or not lines:
            self.wrong("%d lines" % len(lines))
        actions = []
        for action, doc in zip(lines[::2], lines[1::2]):
            action, doc = json.loads(action), json.loads(doc)
            if list(action) != ["create"] or set(action["create"]) != {"_index", "_id"}:
                self.wrong("action %s" % action)
            if not isinstance(doc, dict):
                self.wrong("a document that is no object")
            index, key = action["create"]["_index"], action["create"]["_id"]
            if not INDEX.fullmatch(index) or len(key) > 512:
                self.wrong("index %s id %s" % (index, key))
            actions.append((index, key, doc))
        if len({key for _, key, _ in actions}) != len(actions):
            self.wrong("an id twice in one request")
        return actions

    def store(self, index, key, doc, n, word):
        where = {"_index": index, "_id": key}
        if word in ("items429", "items503") and n % 3 == 0:
            status = int(word[5:])
            return {**where, "status": status, "error": {"type": "es_rejected_execution_exception",
                                                         "reason": "queue is full"}}
        if word == "index404":
            return {**where, "status": 404, "error": {"type": "index_not_found_exception",
                                                      "reason": "no such index [%s]" % index}}
        if doc.get("data", {}).get("bad"):
            return {**where, "status": 400, "error": {"type": "mapper_parsing_exception",
                                                      "reason": "failed to parse field [data.bad]"}}
        if key in self.indices.setdefault(index, {}):
            return {**where, "status": 409, "error": {"type": "version_conflict_engine_exception",
                                                      "reason": "document already exists"}}
        self.indices[index][key] = doc
        return {**where, "status": 201, "result": "created", "_version": 1}

    def take(self, h):
        body = h.rfile.read(int(h.headers["Content-Length"]))
        with self.lock:
            if not self.permitted(h):
                return
            actions = self.read_actions(h, body)
            word = self.script.pop(0) if self.script else "good"
            if self.max_bytes and len(body) > self.max_bytes:
                word = "413"
            self.requests.append((word, len(actions), len(body), time.monotonic()))
            self.headers.append(dict(h.headers))
            status = re.fullmatch(r"(\d{3})(?::(\d+))?", word)
            takes = not status and word not in ("cut", "closed", "silent", "dribble")
            if word == "slow":
                time.sleep(0.3)
            items = [{"create": self.store(*a, n, word)} for n, a in enumerate(actions)] if takes else []
        if status:
            more = [("Retry-After", status.group(2))] if status.group(2) else []
            self.answer(h, int(status.group(1)), {"error": {"type": "x", "reason": "as told"}}, more)
            return
        self.answer_bulk(h, word, items)

    def answer_bulk(self, h, word, items):
        body = {"took": 1, "errors": any(i["create"]["status"] > 299 for i in items), "items": items}
        if word == "short":
            items.pop()
        elif word == "long":
            items.append(items[0])
        elif word == "swapped":
            items.reverse()
        elif word == "otherid":
            items[0]["create"]["_id"] = "another"
        elif word == "nostatus":
            del items[-1]["create"]["status"]
        data = json.dumps(body).encode()
        if word == "notjson":
            data = data[:-2] + b"<html>"
        elif word == "empty":
            data = b""
        elif word == "huge":
            data += b" " * (5 * 1024 * 1024)
        elif word in ("silent", "taken-silent"):
            self.stopping.wait(30)
            h.close_connection = True
            return
        elif word == "closed":
            h.close_connection = True
            return
        elif word in ("cut", "taken-then-cut"):
            h.send_response(200)
            h.send_header("Content-Length", str(len(data) + 100))
            h.end_headers()
            h.wfile.write(data[:len(data) // 2])
            h.close_connection = True
            return
        elif word == "dribble":
            h.send_response(200)
            h.send_header("Content-Length", "1000000")
            h.end_headers()
            while not self.stopping.wait(0.05):
                h.wfile.write(b" ")
                h.wfile.flush()
            return
        self.answer(h, 200, data)
