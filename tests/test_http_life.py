#!/usr/bin/env python3
"""test_http_life.py: how fsmd begins and ends: settings, who else holds the files, a clean
stop, what is left in the log and the journal; damage."""
import fcntl
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import unittest

from http_daemon import DEFINITION, FSMD, WAIT, Alone, Daemon, token, write_key


class Life(Alone):
    def test_versions_help_and_settings_are_printed(self):
        code, out, _ = self.run_fsmd("--version")
        self.assertEqual(code, 0)
        for word in ("fsmd ", "record 1", "journal 1", "store 2", "libmicrohttpd"):
            self.assertIn(word, out)
        self.assertIn("--segment-bytes", self.run_fsmd("--help")[1])
        self.assertIn("listen = 127.0.0.1:8480", self.run_fsmd("--print-config")[1])

    def test_wrong_settings_refuse_to_start_and_say_why(self):
        data = ["--data", os.path.join(self.dir, "d")]
        key = os.path.join(self.dir, "key")
        self.refused(2, "--data", "--no-listen")
        self.refused(2, "--bogus", *data, "--bogus")
        self.refused(2, "--auth none", *data)
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.org:80"):
            self.refused(2, "--listen", *data, "--auth", "none", "--listen", address)
        self.refused(2, "ADDRESS:PORT", *data, "--auth", "none", "--listen", "8480")
        self.refused(2, "cannot be opened", *data, "--jwt-key", key)
        self.refused(2, "0644", *data, "--jwt-key", write_key(key, mode=0o644))
        self.refused(2, "32", *data, "--jwt-key", write_key(key, b"x" * 31 + b"\n"))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.refused(2, "in use", *data, "--auth", "none", "--listen", "127.0.0.1:%d" % taken.getsockname()[1])
        plain = os.path.join(self.dir, "file")
        open(plain, "w").close()
        self.refused(2, "is not a socket", *data, "--no-listen", "--socket", plain)
        self.assertTrue(os.path.exists(plain))

    def test_a_second_daemon_on_the_same_data_is_refused_with_9(self):
        d = Daemon()
        try:
            self.refused(9, "locked", "--data", d.data, "--no-listen", "--socket", os.path.join(self.dir, "s"))
            self.assertEqual(d.request("GET", "/healthz").status, 200)
        finally:
            d.remove()

    def test_a_reader_of_the_files_is_waited_for(self):
        d = Daemon("--log-format", "json")
        try:
            self.assertEqual(d.stop(), 0)
            with open(os.path.join(d.data, "store", "lock")) as lock:
                fcntl.flock(lock, fcntl.LOCK_SH)  # as fsm-cli --data has it
                starting = threading.Thread(target=d.start)
                starting.start()
                end = time.time() + WAIT
                while "waiting for fsm-cli" not in d.logged() and time.time() < end:
                    time.sleep(0.01)
                fcntl.flock(lock, fcntl.LOCK_UN)
            starting.join()
            messages = [json.loads(line)["msg"] for line in d.logged().splitlines()]
            self.assertEqual(messages[3:], ["waiting for fsm-cli, which reads the files", "started"])
            self.assertEqual(d.request("GET", "/healthz").status, 200)
            self.assertEqual(d.stop(), 0)
        finally:
            d.remove()

    def test_a_reader_that_does_not_end_is_named_and_refused_with_9(self):
        d = Daemon()
        try:
            self.assertEqual(d.stop(), 0)
            with open(os.path.join(d.data, "store", "lock")) as lock:
                fcntl.flock(lock, fcntl.LOCK_SH)
                self.refused(9, "fsm-cli reads the files; end it or wait", "--data", d.data, "--no-listen")
        finally:
            d.remove()

    def test_a_stop_is_clean_and_nothing_is_lost(self):
        for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            d = Daemon()
            try:
                self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
                self.assertEqual(d.request("POST", "/v1/instances", {"machine": "doc", "id": "i"}).status, 201)
                code = d.stop(how)
                self.assertEqual(code, -9 if how == signal.SIGKILL else 0, d.logged())
                if how != signal.SIGKILL:
                    self.assertFalse(os.path.exists(os.path.join(d.data, "fsmd.sock")))
                d.start()
                self.assertEqual(d.request("GET", "/v1/instances/i", local=True).json["rev"], 1)
                self.assertEqual(d.request("POST", "/v1/verify", local=True).status, 200)
                self.assertEqual(d.stop(), 0)
            finally:
                d.remove()

    def test_a_stop_under_load_answers_what_is_in_flight(self):
        d = Daemon()
        try:
            d.request("POST", "/v1/machines", DEFINITION)
            answered, broken, stop = [], [], threading.Event()

            def client(number):
                turn = 0
                while not stop.is_set():
                    turn += 1
                    one = "c%d-%d" % (number, turn)
                    try:
                        answer = d.request("POST", "/v1/instances", {"machine": "doc", "id": one})
                    except (OSError, http.client.HTTPException):
                        broken.append(one)
                        return
                    if answer.status == 201:
                        answered.append(one)

            threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
            for thread in threads:
                thread.start()
            while len(answered) < 100:
                time.sleep(0.01)
            self.assertEqual(d.stop(), 0, d.logged())
            stop.set()
            for thread in threads:
                thread.join()
            d.start()
            for one in answered:
                self.assertEqual(d.request("GET", "/v1/instances/" + one).status, 200, one)
        finally:
            d.remove()

    def test_refused_tokens_and_bodies_are_in_the_journal_but_no_token_is(self):
        d = Daemon()
        try:
            bad = token(key=b"x" * 32, sub="mallory")
            d.request("GET", "/v1/counts", auth=bad)
            d.request("POST", "/v1/instances", raw=b'{"machine":')
            self.assertEqual(d.stop(), 0)
            journal = b""
            for folder, _, files in os.walk(os.path.join(d.data, "journal")):
                for name in files:
                    with open(os.path.join(folder, name), "rb") as f:
                        journal += f.read()
            self.assertIn(b"bad_token", journal)
            self.assertIn(hashlib.sha256(bad.encode()).hexdigest().encode(), journal)
            self.assertIn(hashlib.sha256(b'{"machine":').hexdigest().encode(), journal)
            self.assertNotIn(bad.split(".")[1].encode(), journal)
            self.assertNotIn(bad, d.logged())
        finally:
            d.remove()

    def test_a_client_that_never_ends_its_request_does_not_hold_up_a_stop(self):
        for text in (b"", b"POST /v1/inst", b"POST /v1/instances HTTP/1.1\r\nHost: x\r\n",
                     b'POST /v1/instances HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"mach'):
            d = Daemon()
            try:
                with socket.create_connection(("127.0.0.1", d.port), timeout=WAIT) as s:
                    s.sendall(text)
                    self.assertEqual(d.request("GET", "/healthz").status, 200)  # the bytes before are read
                    d.process.send_signal(signal.SIGTERM)
                    # 5 s, and time for a slow machine; without the deadline it would be 60 s
                    self.assertEqual(d.process.wait(30), 0, d.logged())
                    self.assertIn("stopped", d.logged().splitlines()[-1])
            finally:
                d.remove()

    def test_the_log_is_one_line_per_fact(self):
        d = Daemon("--log-format", "json", "--node", "n7")
        try:
            d.stop()
            lines = [json.loads(line) for line in d.logged().splitlines()]
            self.assertEqual([line["msg"] for line in lines], ["started", "stopping", "stopped"])
            for name in ("version", "data", "store", "seq", "applied", "replayed", "listen", "auth", "socket", "nats"):
                self.assertIn(name, lines[0])
            self.assertEqual(lines[0]["listen"], "127.0.0.1:%d" % d.port)
        finally:
            d.remove()


class Damage(Alone):
    def test_damage_refuses_to_start_with_7_and_names_the_place(self):
        d = Daemon()
        try:
            self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
            self.assertEqual(d.stop(), 0)
            for folder, _, files in os.walk(os.path.join(d.data, "journal")):
                for name in files:
                    path = os.path.join(folder, name)
                    with open(path, "r+b") as f:
                        at = f.read().find(b"retries")
                        if at > 0:
                            f.seek(at)
                            f.write(b"R")
            self.refused(7, ".seg:", "--data", d.data, "--no-listen")
            self.refused(7, "stored data is damaged", "--data", d.data, "--no-listen")
        finally:
            d.remove()

    def test_damage_refuses_who_touches_it_and_nobody_else(self):
        d = Daemon("--log-format", "json")
        try:
            mark = b"flip-me-on-the-disk"
            self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
            body = {"machine": "doc", "id": "i", "labels": {"mark": mark.decode()}}
            self.assertEqual(d.request("POST", "/v1/instances", body).status, 201)
            self.assertEqual(d.stop(), 0)  # so that the row is in LMDB and no longer in memory
            d.start()
            path = os.path.join(d.data, "store", "data.mdb")
            with open(path, "r+b") as f:  # LMDB maps this very file
                data = f.read()
                self.assertIn(mark, data)
                for found in re.finditer(re.escape(mark), data):
                    f.seek(found.start())
                    f.write(b"F")
            answer = d.request("GET", "/v1/instances/i", headers={"X-Correlation-ID": "look"})
            self.assertEqual((answer.status, answer.json["code"]), (500, "corrupt"), answer)
            failed = [line for line in map(json.loads, d.logged().splitlines()) if line["msg"] == "request failed"]
            self.assertEqual([(l["code"], l["correlation"], l["status"]) for l in failed], [("corrupt", "look", 500)])
            self.assertEqual((failed[0]["where"], failed[0]["detail"]), (answer.json["where"], answer.json["detail"]))
            self.assertTrue(failed[0]["where"] and failed[0]["detail"], failed)
            answer = d.request("POST", "/v1/instances/i/events", {"event": "SUBMIT"})
            self.assertEqual((answer.status, answer.json["code"]), (500, "corrupt"), answer)
            body = {"machine": "doc", "id": "j"}  # who does not touch the damage goes on
            self.assertEqual(d.request("POST", "/v1/instances", body).status, 201)
            self.assertEqual(d.request("POST", "/v1/instances/j/events", {"event": "SUBMIT"}).status, 200)
            self.assertEqual(d.stop(), 0)
        finally:
            d.remove()

    def test_damage_that_touches_all_is_called_damage_and_ends_it_with_7(self):
        d = Daemon()
        try:
            waits = {"id": "waits", "initial": "flipMeOnTheDisk",
                     "states": {"flipMeOnTheDisk": {"after": {"3600000": "late"}}, "late": {"type": "final"}}}
            self.assertEqual(d.request("POST", "/v1/machines", waits).status, 201)
            self.assertEqual(d.request("POST", "/v1/instances", {"machine": "waits", "id": "i"}).status, 201)
            self.assertEqual(d.stop(), 0)
            with open(os.path.join(d.data, "store", "data.mdb"), "r+b") as f:
                data = f.read()
                # The row of the timer in the table of what is due: its time, its order, the instance's number, t, its name.
                rows = [m.start() for m in re.finditer(b"txstate.after.3600000.flipMeOnTheDisk", data)]
                rows = [r for r in rows if abs(int.from_bytes(data[r - 24 : r - 16], "big") - time.time_ns()) < 10**14]
                self.assertTrue(rows)
                for row in rows:
                    f.seek(row + 1)
                    f.write(b"X")
            self.refused(7, "stored data is damaged; stopping", "--data", d.data, "--no-listen")
        finally:
            d.remove()


if __name__ == "__main__":
    if not os.access(FSMD, os.X_OK):
        print("no fsmd at", FSMD)
        sys.exit(77)
    unittest.main(verbosity=2)
