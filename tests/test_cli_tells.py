#!/usr/bin/env python3
"""What fsm-cli shows of instances: get, log, events, lists, figures, health, on terminals and in pipes.

Exit 77: the programs are not built.
"""
import json
import os
import signal
import subprocess
import unittest

from cli_scene import built_or_skip, CLI, environment, HOSTILE, PATIENCE_S, run, run_in_terminal, WAITER, WithDaemon


class Tells(WithDaemon):
    """Through the socket of a running daemon."""

    def test_a_reader_that_goes_away_is_no_fault(self):
        for i in range(3):
            self.start(f"pipe-{i}")
        for args in (("ls", "--all"), ("ls", "-o", "json"), ("get", "pipe-0"), ("--help",)):
            read, write = os.pipe()
            os.close(read)
            try:
                done = subprocess.run([CLI, *self.here(*args)], stdout=write, stderr=subprocess.PIPE, env=environment(), timeout=PATIENCE_S)
            finally:
                os.close(write)
            self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""), args)

    def test_events_whose_guard_reads_what_is_sent_depend_on_it_and_who_asks_is_known(self):
        guards = {"GO": "actor.sub == 'x'", "DO": "actor.sub != 'x'", "PAY": "event.data.sum > 1", "NEVER": "1 > 2"}
        on = {name: {"target": "a", "guard": {"@expr": guard}} for name, guard in guards.items()}
        definition = {"id": "readers", "@exprLang": "cel", "initial": "a", "states": {"a": {"on": on}}}
        self.ok(*self.here("def", "deploy", "-"), input=json.dumps(definition).encode())
        self.ok(*self.here("start", "readers", "--id", "readers-1"))
        rows = dict(line.split()[:2] for line in self.ok(*self.here("events", "readers-1")).split("\n\n")[1].splitlines())
        self.assertEqual(rows, {"EVENT": "NOW", "GO": "no", "DO": "yes", "PAY": "depends", "NEVER": "no"})

    def test_a_log_says_how_many_leaves_where_their_names_have_no_room(self):
        leaves = {name: {"initial": "open", "states": {"open": {}}} for name in ("finance", "department", "director")}
        definition = {"id": "crowd", "initial": "calm", "states": {"calm": {"on": {"GO": "approvals"}},
                      "approvals": {"type": "parallel", "states": leaves}}}
        self.ok(*self.here("def", "deploy", "-"), input=json.dumps(definition).encode())
        self.ok(*self.here("start", "crowd", "--id", "crowd-1"))
        self.ok(*self.here("send", "crowd-1", "GO"))
        self.assertRegex(run_in_terminal(80, *self.here("log", "crowd-1"))[1], r"transition +→ approvals \(3\) +GO")

    def test_events_say_what_may_be_sent_and_why_not(self):
        self.start("ev-1")
        self.ok(*self.here("send", "ev-1", "OPEN"))
        self.ok(*self.here("send", "ev-1", "CLOSE"))
        rows = {e["event"]: e for e in self.json(*self.here("events", "ev-1"))["events"]}
        self.assertFalse(rows["OPEN"]["enabled"])
        self.assertEqual(rows["OPEN"]["seen"], {"context.opened": 1})
        lines = self.ok(*self.here("events", "ev-1")).splitlines()
        open_, note = (next(line for line in lines if line.startswith(name)) for name in ("OPEN", "NOTE"))
        self.assertRegex(open_, r"^OPEN +no .*context\.opened < 1 +context\.opened = 1$")
        self.assertRegex(note, r"^NOTE +yes .*text string, by\? string")
        self.ok(*self.here("send", "ev-1", "LEAVE"))
        self.assertIn("nothing can be sent", self.ok(*self.here("events", "ev-1")))
        self.expect(3, *self.here("events", "absent"))

    def test_what_it_waits_for_is_told_when_nobody_can_move_it(self):
        machine = json.loads(json.dumps(WAITER))
        del machine["states"]["asking"]["on"]
        path = os.path.join(self.scratch, "waiter.json")
        with open(path, "w") as f:
            json.dump(machine, f)
        self.ok(*self.here("def", "deploy", path))
        self.json(*self.here("start", "waiter", "--id", "wait-1"))
        out = self.ok(*self.here("events", "wait-1"))
        self.assertIn("nothing can be sent to it now\n", out)
        self.assertRegex(out, r"\nit waits for the task review \(service submitForReview\): nobody serves it, for \S+\n$")
        self.assertNotIn("waits", self.ok(*self.here("events", "wait-1", "-o", "json")))
        text = self.ok(*self.here("get", "wait-1"))
        self.assertRegex(text, r"\ntasks:\n  review\n    service:  submitForReview\n    state:    nobody serves it, for \S+\n    attempts: 0 of 1 begun\n    token:    [0-9a-f]{32}\n$")
        self.start("wait-2")
        self.ok(*self.here("send", "wait-2", "LEAVE"))
        self.assertIn("it has ended: completed\n", self.ok(*self.here("events", "wait-2")))

    def test_a_timer_says_when_it_is_due(self):
        path = os.path.join(self.scratch, "sleeper.json")
        with open(path, "w") as f:
            json.dump({**WAITER, "id": "sleeper", "initial": "sleeping"}, f)
        self.ok(*self.here("def", "deploy", path))
        self.json(*self.here("start", "sleeper", "--id", "sleep-1"))
        self.assertRegex(self.ok(*self.here("events", "sleep-1")), r"it waits for the timer \S+: due in (3h|2h59m\S*) \(\d{4}-\S+Z\)\n$")
        self.assertRegex(self.ok(*self.here("get", "sleep-1")), r"timers:\n  \S+\n    state:    due in (3h|2h59m\S*)\n    at:       \d{4}-\S+Z\n$")

    def test_health_says_how_far_it_is(self):
        self.start("health-1")
        doc = self.json(*self.here("health"))
        self.assertEqual((doc["status"], doc["sinks"]), ("ok", []))
        out = self.ok(*self.here("health"))
        self.assertRegex(out, r"^status:       ok\nseq:          \d+\napplied:      \d+\nlag:          \d+\nincidents:    0\n")
        self.assertRegex(out, r"\nmap:          [\d.]+ [GT]iB\n")
        self.assertIn("sinks:        none", out)

    def test_get_shows_the_instance(self):
        self.start("get-1", "-l", "dept=sales")
        doc = self.json(*self.here("get", "get-1"))
        self.assertEqual((doc["state"], doc["status"], doc["rev"]), (["closed"], "running", 1))
        text = self.ok(*self.here("get", "get-1"))
        self.assertRegex(text, r"(?m)^state: +closed for \S+, since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn("\nlabels:\n  dept: sales\n", text)
        self.assertIn("\ncontext:\n  note: null\n  opened: 0\n", text)
        self.expect(3, *self.here("get", "absent"))

    def test_of_several_leaves_a_change_tells_those_that_moved(self):
        leaves = {name: {"initial": "off", "states": {"off": {"on": {name.upper(): "lit"}}, "lit": {"on": {"OFF": "off"}}}}
                  for name in ("kitchen", "cellar", "garden")}
        definition = json.dumps({"id": "lamps", "initial": "house", "states": {"house": {"type": "parallel", "states": leaves}}})
        self.ok(*self.here("def", "deploy", "-"), input=definition.encode())
        self.ok(*self.here("start", "lamps", "--id", "lamps-1"))
        text = self.ok(*self.here("send", "lamps-1", "CELLAR"))
        self.assertIn("state:        house.cellar.off → house.cellar.lit\n"
                      "still in:     house.kitchen.off, house.garden.off\n", text)
        self.expect(4, *self.here("send", "lamps-1", "CELLAR"))
        self.ok(*self.here("send", "lamps-1", "GARDEN"))
        text = self.ok(*self.here("send", "lamps-1", "OFF"))
        self.assertIn("state:        house.cellar.lit, house.garden.lit → house.cellar.off, house.garden.off\n", text)
        self.assertRegex(self.ok(*self.here("log", "lamps-1")), r"transition +house.garden.off → house.garden.lit +GARDEN")
        code, out = run_in_terminal(80, *self.here("log", "lamps-1"))
        self.assertEqual(code, 0)
        self.assertTrue(all(len(line) <= 80 for line in out.splitlines()), out)
        self.assertRegex(out, r"transition +→ cellar.lit +CELLAR")
        self.assertRegex(out, r"rejected +unchanged +CELLAR")
        self.assertRegex(out, r"transition +→ house \(2\) +OFF")
        self.assertRegex(out, r"created +house \(3\)  ")
        code, out = run_in_terminal(60, *self.here("events", "lamps-1"))
        self.assertIn("state:        house.kitchen.off, house.cellar.off,\n              house.garden.off\n", out)
        code, out = run_in_terminal(60, *self.here("send", "lamps-1", "KITCHEN"))
        self.assertIn("still in:     house.cellar.off, house.garden.off\n", out)
        code, out = run_in_terminal(60, *self.here("start", "lamps"))
        self.assertIn("state:        house.kitchen.off, house.cellar.off,\n              house.garden.off\n", out)

    def test_log_tells_the_story_with_its_refusals(self):
        self.start("log-1", "--corr", "c-log")
        self.ok(*self.here("send", "log-1", "OPEN", "--corr", "c-2"))
        self.expect(4, *self.here("send", "log-1", "OPEN"))
        items = self.json(*self.here("log", "log-1"))["items"]
        self.assertEqual([i["kind"] for i in items], ["created", "transition", "rejected"])
        lines = self.ok(*self.here("log", "log-1")).splitlines()
        self.assertEqual(lines[0].split(), ["TIME", "SEQ", "KIND", "FROM", "→", "TO", "TRIGGER", "USER", "CORRELATION", "REASON"])
        self.assertRegex(lines[1], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\d+  created +closed .* c-log$")
        self.assertRegex(lines[2], r"transition +closed → open +OPEN .* c-2$")
        self.assertRegex(lines[3], r"rejected .*OPEN .* no_transition$")
        code, out, err = run(*self.here("log", "log-1", "--limit", "1"))
        self.assertEqual((code, len(out.splitlines())), (0, 2))
        self.assertRegex(err, r"^1 record · .* · there are more: --limit N or --all\n$")
        full = self.ok(*self.here("log", "log-1", "--full"))
        self.assertEqual(full.count("\nkind:  "), 3)
        self.assertIn('\nctx:          {"opened":[0,1]}\n', full)
        self.expect(3, *self.here("log", "absent"))
        self.expect(2, *self.here("log", "log-1", "--limit", "0"))

    def test_lists_filter_and_page(self):
        for i in range(7):
            self.start(f"page-{i}", "--key", f"P-{i}")
        self.ok(*self.here("send", "page-3", "OPEN"))
        self.ok(*self.here("send", "page-4", "LEAVE"))
        names = lambda *args: {i["id"] for i in self.json(*self.here("ls", *args))["items"] if i["id"].startswith("page-")}
        every = {f"page-{i}" for i in range(7)}
        self.assertEqual(names("--all"), every)
        self.assertEqual(names("-m", "door", "-s", "open", "--all"), {"page-3"})
        self.assertEqual(names("--done", "--all"), {"page-4"})
        self.assertEqual(names("--open", "--all"), every - {"page-4"})
        self.assertEqual(names("--status", "completed", "--all"), {"page-4"})
        self.assertEqual(names("-k", "P-5"), {"page-5"})
        self.assertEqual(names("--for", "9d", "--all"), set())
        code, out, err = run(*self.here("ls", "--limit", "2"))
        self.assertEqual((code, len(out.splitlines())), (0, 3))
        self.assertRegex(err, r"^2 instances · \d+ ms · as of seq \d+ · there are more: --limit N or --all\n$")
        self.assertEqual(len(json.loads(run(*self.here("ls", "--limit", "3", "-o", "json"))[1])["items"]), 3)
        row = next(line for line in self.ok(*self.here("ls", "--all")).splitlines() if line.startswith("page-3"))
        self.assertEqual(row.split()[:5], ["page-3", "P-3", "door@1", "open", "running"])
        self.expect(2, *self.here("ls", "--open", "--done"))
        self.expect(2, *self.here("ls", "--for", "ten"))
        self.expect(2, *self.here("ls", "--all", "--limit", "2"))

    def test_stuck_lists_the_longest_first(self):
        self.start("stuck-1")
        self.start("stuck-2")
        self.start("stuck-3")
        self.ok(*self.here("send", "stuck-1", "OPEN"))
        self.ok(*self.here("send", "stuck-3", "LEAVE"))
        items = self.json(*self.here("stuck", "--for", "1ms", "-m", "door", "--all"))["items"]
        ids = [i["id"] for i in items]
        self.assertLess(ids.index("stuck-2"), ids.index("stuck-1"))
        self.assertNotIn("stuck-3", ids)
        self.assertEqual(items, sorted(items, key=lambda i: -int(i["for_ns"])))
        only = self.json(*self.here("stuck", "--for", "1ms", "-s", "open", "--all"))["items"]
        self.assertEqual({i["state"] if isinstance(i["state"], str) else i["state"][0] for i in only}, {"open"})
        self.assertNotIn("stuck", self.ok(*self.here("stuck", "--for", "10m")))
        self.assertNotIn("stuck-", self.ok(*self.here("stuck")))  # nothing is wrong with them

    def test_stats_count_by_state(self):
        self.start("stats-1")
        rows = {i["state"]: i["standing"]["count"] for i in self.json(*self.here("stats", "-m", "door"))["states"]}
        listed = [i for i in self.json(*self.here("ls", "--all", "-s", "closed"))["items"]]
        self.assertEqual(rows["closed"], len(listed))
        self.assertIn("MACHINE  STATE", self.ok(*self.here("stats")))

    def test_verify_says_what_it_read(self):
        self.start("verify-1")
        got = self.json(*self.here("audit", "verify"))
        self.assertEqual(len(got["head"]), 64)
        self.assertGreaterEqual(got["records"], 2)
        self.assertTrue(self.ok(*self.here("audit", "verify")).startswith("verified:     ok\nrecords:"))

    def test_hostile_values_never_reach_the_terminal(self):
        self.start("evil-1")
        self.ok(*self.here("send", "evil-1", "NOTE", "--data", json.dumps({"text": HOSTILE})))
        self.assertEqual(self.json(*self.here("get", "evil-1"))["context"]["note"], HOSTILE)
        for args in (("get", "evil-1"), ("log", "evil-1", "--full"), ("get", "evil-1", "-o", "json"), ("log", "evil-1", "-o", "json")):
            for _, out in (run(*self.here(*args))[:2], run_in_terminal(80, *self.here(*args))):
                self.assertIn("evil", out)
                self.assertNotIn("\x1b]", out)
                self.assertNotIn("\x1b[31m", out)
                self.assertFalse(set(out) & {"\x07", "\u202e", "\u009b"})

    def test_a_table_fits_the_terminal_and_is_whole_in_a_pipe(self):
        name = "wide-" + "x" * 60
        self.start(name, "--key", "W-" + "y" * 40)
        self.assertIn(name, self.ok(*self.here("ls", "--all")))
        for columns in (80, 66, 132):
            for args in (("ls",), ("log", "wide-"), ("events", "wide-"), ("def", "ls"), ("stats",), ("stuck", "--for", "1ms")):
                code, out = run_in_terminal(columns, *self.here(*args))
                self.assertEqual(code, 0, out)
                table = out[out.index("\x1b[1m") :].replace("\x1b[1m", "").replace("\x1b[0m", "")
                for line in table.splitlines():
                    if not line.startswith("fsm-cli: "):
                        self.assertLessEqual(len(line), columns, out)
        _, out = run_in_terminal(80, *self.here("ls"))
        self.assertIn("\x1b[1mID", out)
        _, out = run_in_terminal(80, *self.here("ls", "--no-color"))
        self.assertNotIn("\x1b", out)


if __name__ == "__main__":
    built_or_skip()
    unittest.main(verbosity=2)
