#!/usr/bin/env python3
"""Drives documents through the approval over HTTP, as their submitters and approvers would.

Each document has one correlation id, each command one idempotency key: what got no answer is sent again
under the same key until there is one. With --kill PID the daemon is killed with -9 while a request is
under way, after --kill-at commands; somebody else has to start it again.

Prints what it did, one figure per line. Anything that should not happen ends it with status 1.
"""

import argparse
import collections
import http.client
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time

MACHINE = "document-approval"
PATIENCE_S = 60
POLL_S = 0.01
RETRIES = 3


class Wrong(Exception):
    pass


class Kill:
    """Kills the daemon once: when the answer to a command is there, but before anybody has read it. So
    that command was taken and must not be taken again; of those under way in other threads nobody knows."""

    def __init__(self, pid, at, marker):
        self.pid, self.at, self.marker = pid, at, marker
        self.lock = threading.Lock()

    def due(self, sent):
        with self.lock:
            if self.pid is None or sent < self.at:
                return None
            pid, self.pid = self.pid, None
            return pid

    def do(self, pid, sock):
        select.select([sock], [], [], PATIENCE_S)
        os.kill(pid, signal.SIGKILL)
        with open(self.marker, "w", encoding="utf-8"):
            pass
        raise ConnectionResetError("killed")


class Figures:
    """What is counted, by all threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.Counter()

    def add(self, name):
        with self.lock:
            self.counts[name] += 1

    def __getitem__(self, name):
        with self.lock:
            return self.counts[name]


class Tokens:
    """Bearer tokens, minted when a person first appears."""

    def __init__(self, cli, key):
        self.cli, self.key, self.tokens = cli, key, {}
        self.lock = threading.Lock()

    def of(self, user):
        with self.lock:
            if user not in self.tokens:
                words = [self.cli, "token", "mint", "--key", self.key, "--sub", user]
                self.tokens[user] = subprocess.run(words, check=True, capture_output=True,
                                                   text=True).stdout.strip()
            return self.tokens[user]


class Client:
    """One connection of one thread."""

    def __init__(self, port, tokens, kill, figures):
        self.port, self.tokens, self.kill, self.figures = port, tokens, kill, figures
        self.connection = None

    def once(self, method, path, headers, body, killable):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self.connection.request(method, path, body, headers)
        pid = self.kill.due(self.figures["commands"]) if killable else None
        if pid is not None:
            self.kill.do(pid, self.connection.sock)
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())

    def ask(self, method, path, user, case, body=None, idem=None, killable=False):
        """Status and document; asks until there is an answer."""
        headers = {"Authorization": "Bearer " + self.tokens.of(user), "X-Correlation-ID": case}
        if body is not None:
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        if idem is not None:
            headers["Idempotency-Key"] = idem
            self.figures.add("commands")
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                status, document = self.once(method, path, headers, body, killable)
                if status != 503:
                    return status, document
            except (OSError, http.client.HTTPException, ValueError):
                self.connection.close()
                self.connection = None
            if time.monotonic() > until:
                raise Wrong("%s %s: no answer for %d s" % (method, path, PATIENCE_S))
            if idem is not None:
                self.figures.add("sent again")
            time.sleep(0.05)

    def command(self, path, user, case, body, idem, refusal=None):
        status, document = self.ask("POST", path, user, case, body, idem, killable=refusal is None)
        if refusal is not None:
            if status != 409 or document.get("code") != refusal:
                raise Wrong("%s %s: %d %s instead of 409 %s" % (path, body, status, document, refusal))
            self.figures.add("refused")
        elif status not in (200, 201):
            raise Wrong("%s %s: %d %s" % (path, body, status, document))
        elif document.get("replayed"):
            self.figures.add("answered again")
        return document


class Story:
    """One document from its draft to where it stays."""

    def __init__(self, client, document):
        self.client, self.document = client, document
        self.id = document["id"]
        self.path = "/v1/instances/" + self.id
        self.case = "case-" + self.id

    def command(self, event, user, data=None, turn="", refusal=None):
        body = {"event": event} if data is None else {"event": event, "data": data}
        return self.client.command(self.path + "/events", user, self.case, body,
                                   "%s/%s%s" % (self.id, event, turn), refusal)

    def start(self):
        document = self.document
        fields = ("id", "title", "amount", "department", "submitter")
        body = {"machine": MACHINE, "id": self.id, "key": self.id,
                "labels": {"department": document["department"]},
                "input": {name: document[name] for name in fields}}
        self.client.command("/v1/instances", document["submitter"], self.case, body, self.id + "/start")

    def settle(self, retries):
        """Waits for the review system: the state, once this try has been answered."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            status, found = self.client.ask("GET", self.path, self.document["submitter"], self.case)
            if status != 200:
                raise Wrong("%s: %d %s" % (self.path, status, found))
            if found["context"]["retries"] == retries and found["state"] != ["pendingReview"]:
                return found["state"][0]
            time.sleep(POLL_S)
        raise Wrong("%s is not taken by the review system for %d s" % (self.id, PATIENCE_S))

    def tell(self):
        document = self.document
        self.start()
        if document["decision"] == "draft":
            return
        self.command("SUBMIT", document["submitter"])
        state = self.settle(0)
        for turn in range(1, RETRIES + 1):
            if state != "submissionFailed":
                break
            self.command("RETRY", document["submitter"], turn="-%d" % turn)
            state = self.settle(turn)
        if state == "submissionFailed":
            self.command("RETRY", document["submitter"], turn="-%d" % (RETRIES + 1), refusal="guard_false")
        elif document["decision"] == "approve":
            comment = document.get("comment")
            self.command("APPROVE", document["approver"], {"comment": comment} if comment else None)
        elif document["decision"] == "reject":
            self.command("REJECT", document["approver"], {"reason": document["reason"]})


def work(waiting, client, faults):
    while not faults:
        try:
            document = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            Story(client, document).tell()
        except Exception as fault:  # every fault of a thread must end the program
            faults.append("%s: %s" % (document["id"], fault if isinstance(fault, Wrong) else repr(fault)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cli", required=True, help="path of fsm-cli, which mints the tokens")
    parser.add_argument("--key", required=True, help="the daemon's key file")
    parser.add_argument("--documents", required=True)
    parser.add_argument("--limit", type=int, default=None, help="only the first N documents")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--kill", type=int, metavar="PID")
    parser.add_argument("--kill-at", type=int, metavar="N", default=0)
    parser.add_argument("--killed", metavar="FILE", help="made when the daemon has been killed")
    return parser.parse_args()


def main():
    options = arguments()
    waiting, faults = queue.Queue(), []
    with open(options.documents, encoding="utf-8") as file:
        documents = [json.loads(line) for line in file][:options.limit]
    for document in documents:
        waiting.put(document)
    tokens, figures = Tokens(options.cli, options.key), Figures()
    kill = Kill(options.kill, options.kill_at, options.killed)
    began = time.monotonic()
    threads = [threading.Thread(target=work, args=(waiting, Client(options.port, tokens, kill, figures), faults))
               for _ in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for fault in faults:
        print("drive: " + fault, file=sys.stderr)
    if faults:
        return 1
    if options.kill is not None and not figures["answered again"]:
        print("drive: the command that was cut off by the kill was taken anew", file=sys.stderr)
        return 1
    print("%d documents, %d people, %d commands in %.1f s" %
          (len(documents), len(tokens.tokens), figures["commands"], time.monotonic() - began))
    print("%d refused by the guard, as they should be" % figures["refused"])
    print("sent again under the same key: %d, of them taken before: %d" %
          (figures["sent again"], figures["answered again"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
