#!/usr/bin/env python3
"""fsm-cli route and outbox: set, ordered about, and told from the files of a stopped daemon.

Exit 77: the programs are not built.
"""
import json
import os
import tempfile
import time
import unittest

from cli_scene import built_or_skip, Case, Daemon, DOOR, PATIENCE_S


class Routes(Case):
    def test_a_route_is_tried_set_changed_and_removed_and_all_of_it_is_told_from_the_files(self):
        with tempfile.TemporaryDirectory(prefix="fsm-cli-") as scratch:
            data = os.path.join(scratch, "data")
            daemon = Daemon(data, "--no-listen", "--nats", "nats://127.0.0.1:1")
            try:
                self.changes(("--data", data), scratch)
            finally:
                daemon.stop()
            listed = self.json("--data", data, "route", "ls", "claims")  # on stopped files
            self.assertEqual([(r["version"], r["reason"]) for r in listed["items"]],
                             [(3, "gone"), (2, "more"), (1, "audit")])
            out, err = self.expect(0, "--data", data, "route", "test", "--kind", "route", "--sink", "x")
            self.assertEqual(out.count(" yes\n"), 3)
            self.assertRegex(err, r"^3 of \d+ records would be given\n$")  # also of refusals, and of the sink

    def changes(self, at, scratch):
        definition = os.path.join(scratch, "door.json")
        with open(definition, "w") as f:
            json.dump(DOOR, f)
        self.ok(*at, "def", "deploy", definition)
        tried, err = self.expect(0, *at, "route", "test", "--machine", "do*", "--level", "9", "--sink", "nats")
        self.assertIn("no: level", tried)
        self.assertRegex(err, r"^0 of \d records would be given\n$")
        self.assertEqual(self.json(*at, "route", "ls")["items"], [])  # nothing was set by that
        out = self.ok(*at, "route", "set", "claims", "-m", "door", "-m", "gate", "-k", "transition", "--from", "shut",
                      "--to", "open", "-e", "OPEN", "--level", "2", "-l", "wing=north", "--where", "record.seq > 1",
                      "-s", "nats", "--reason", "audit")
        self.assertIn("version:      1", out)
        item = self.json(*at, "route", "ls")["items"][0]
        self.assertEqual(item["route"], {
            "machine": ["door", "gate"], "kind": "transition", "from": "shut", "to": "open", "event": "OPEN",
            "level": 2, "labels": {"wing": "north"}, "where": "record.seq > 1", "sinks": ["nats"]})
        document = json.dumps({"sinks": ["nats"]}).encode()
        self.ok(*at, "route", "set", "claims", "-", "--reason", "more", "--expect-version", "1", input=document)
        self.assertIn("it stands like that already",
                      self.ok(*at, "route", "set", "claims", "-", "--reason", "again", input=document))
        for code, said, words in [
            (2, "say why, for the record of it: --reason TEXT", ["set", "claims", "-s", "nats"]),
            (2, "say why, for the record of it: --reason TEXT", ["rm", "claims"]),
            (2, "--label takes NAME=VALUE", ["set", "c", "-l", "north", "-s", "nats", "--reason", "x"]),
            (2, "unknown sink \"nat\"; did you mean \"nats\"?", ["set", "c", "-s", "nat", "--reason", "x"]),
            (1, "1:1: record.levle: there is no member levle, did you mean level?",
             ["set", "c", "--where", "record.levle > 1", "-s", "nats", "--reason", "x"]),
            (4, "is at version 2, not 1",
             ["set", "claims", "-s", "nats", "-k", "*", "--reason", "x", "--expect-version", "1"]),
            (3, "no route \"other\" is in force", ["rm", "other", "--reason", "x"]),
            (3, "there never was a route", ["ls", "other"]),
        ]:
            _, err = self.expect(code, *at, "route", *words)
            self.assertIn(said, err)
        _, err = self.expect(2, *at, "route", "set", "c", "-", "-s", "nats", "--reason", "x", input=document)
        self.assertIn("--sink has no place beside it", err)
        self.ok(*at, "route", "rm", "claims", "--reason", "gone")


class Outbox(Case):
    def test_sinks_are_shown_and_ordered_about_and_their_files_tell_how_far_they_came(self):
        with tempfile.TemporaryDirectory(prefix="fsm-cli-") as scratch:
            data, file = os.path.join(scratch, "data"), os.path.join(scratch, "sinks.json")
            sinks = [{"name": "files", "kind": "file", "path": os.path.join(scratch, "out")},
                     {"name": "dead", "kind": "http", "url": "http://127.0.0.1:1/"}]
            with open(file, "w") as f:
                json.dump({"sinks": sinks}, f)
            here = ("--data", data, "outbox")
            daemon = Daemon(data, "--no-listen", "--sinks", file)
            try:
                out = self.ok(*here, "ls")
                self.assertRegex(out, r"^SINK +KIND +FORMAT +STATE +LAG +PARKED\nfiles +file +json +ok +0 +0\n")
                self.assertTrue(all(len(line) <= 80 for line in out.splitlines()), out)
                self.assertRegex(self.ok(*here, "lag"), r"^SINK +STATE +LAG +OLDEST +RATE +RETRIES +SETTLED +BUDGET %\n")
                self.assertEqual(self.json(*here, "ls", "dead"), {"sink": "dead", "items": [], "next": None})
                self.assertRegex(self.ok(*here, "ls", "dead"), r"(?s)^sink: +dead\nkind: +http\n.*\noldest: +0s\n")
                _, err = self.expect(2, *here, "clear", "dead")
                self.assertIn("--reason TEXT", err)
                self.assertEqual(self.json(*here, "clear", "dead", "--reason", "looked at")["what"], "clear")
                _, err = self.expect(3, *here, "drop", "dead", "7", "--reason", "x")
                self.assertIn("record 7 is not parked", err)
                self.expect(3, *here, "retry", "none", "--reason", "x")
                self.expect(2, *here, "park", "dead", "x", "--reason", "x")
                self.expect(2, *here, "resend", "files", "--reason", "x")
                _, err = self.expect(2, *here, "forget", "files", "--reason", "x")
                self.assertIn("take it out of the file", err)
                until = time.monotonic() + PATIENCE_S
                while time.monotonic() < until and next(s["lag"] for s in self.json(*here, "ls")["items"] if s["name"] == "files") > 0:
                    time.sleep(0.05)
            finally:
                daemon.stop()
            items = {s["name"]: s for s in self.json(*here, "ls")["items"]}
            self.assertEqual((items["dead"]["lag"], items["files"]["lag"]), (1, 0))  # that it was cleared
            self.assertEqual(self.json(*here, "ls", "dead"), {"sink": "dead", "items": [], "next": None})
            self.expect(3, *here, "ls", "none")
            _, err = self.expect(9, *here, "clear", "dead", "--reason", "x")
            self.assertIn("no daemon runs", err)
            cursor = os.path.join(here[1], "sinks", "files")
            with open(cursor, "r+b") as file:
                file.truncate(100)
            items = {s["name"]: s for s in self.json(*here, "ls")["items"]}
            self.assertEqual((items["dead"]["status"], items["dead"]["lag"]), ("no daemon", 1))
            self.assertEqual(items["files"], {"name": "files", "status": "damaged",
                                              "last_error": cursor + ": the cursor of the sink files is damaged"})
            self.assertRegex(self.expect(0, *here, "ls")[0], r"files +damaged")
            _, err = self.expect(7, *here, "ls", "files")
            self.assertIn("the cursor of the sink files is damaged", err)


if __name__ == "__main__":
    built_or_skip()
    unittest.main(verbosity=2)
