#!/usr/bin/env python3
"""fsm-cli against a server that lies, says nothing, or has names of every length.

Exit 77: the programs are not built.
"""
import json
import socket
import threading
import unittest

from cli_scene import built_or_skip, Case, HOSTILE, lying, PATIENCE_S, run, run_in_terminal


class Lied(Case):
    """A server that says what no fsmd would."""

    def test_what_is_not_json_is_no_answer(self):
        with lying({"/v1/instances": (200, b"<html>")}) as socket:
            _, err = self.expect(9, "--socket", socket, "ls")
            self.assertIn("is that a fsmd?", err)
        with lying({"/v1/instances": (200, {"items": 5})}) as socket:
            self.expect(9, "--socket", socket, "ls")
        with lying({"/v1/instances": (502, b"<html>")}) as socket:
            self.expect(1, "--socket", socket, "ls")

    def test_a_status_alone_has_an_exit_code(self):
        for status, code in ((400, 2), (401, 5), (403, 5), (404, 3), (409, 1), (412, 4), (429, 4), (503, 8), (504, 8)):
            with lying({"/": (status, b"")}) as socket:
                self.expect(code, "--socket", socket, "get", "x")

    def test_silence_is_eight(self):
        hold = threading.Event()
        with lying({"/": lambda path: hold.wait(PATIENCE_S) and None}) as socket:
            _, err = self.expect(8, "--socket", socket, "--timeout", "200ms", "get", "x")
            hold.set()
            self.assertIn("--idem", err)

    def test_a_hostile_fault_is_escaped(self):
        problem = {"code": "guard_false", "where": "\x1b[2J", "detail": HOSTILE, "refusal": {"candidates": [{"guard": HOSTILE, "seen": {HOSTILE: HOSTILE}, "fault": HOSTILE}]}}
        with lying({"/": (409, problem)}) as socket:
            for extra in ((), ("-o", "json")):
                _, err = self.expect(4, "--socket", socket, "get", "x", *extra)
                self.assertFalse(set(err) & {"\x1b", "\x07", "\u202e", "\u009b"}, err)

    def test_health_that_is_not_ok_is_one(self):
        sink = {"name": "nats", "connected": False, "lag": 12, "last_error": "no servers", "status": "disconnected", "new_member": [1, 2]}
        document = {"status": "degraded", "seq": 20, "applied": 19, "sinks": [sink], "longer_than_a_label": 1}
        with lying({"/healthz": (200, document)}) as socket:
            code, out, err = run("--socket", socket, "health")
            self.assertEqual((code, err), (1, ""))
            self.assertEqual(
                out,
                "status:       degraded\nseq:          20\napplied:      19\nlonger_than_a_label: 1\n\n"
                "sink:         nats\nstatus:       disconnected\nconnected:    no\nlag:          12\nlast_error:   no servers\nnew_member:   1, 2\n",
            )
            code, out, err = run("--socket", socket, "health", "-o", "json")
            self.assertEqual((code, json.loads(out), err), (1, document, ""))
        with lying({"/healthz": (200, {"seq": 1})}) as socket:
            self.expect(9, "--socket", socket, "health")

    def table(self, columns, socket, *args):
        """The lines of a table on a terminal, without its header; none is too wide."""
        code, out = run_in_terminal(columns, "--socket", socket, "-q", *args)
        self.assertEqual(code, 0, out)
        for line in out.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines():
            self.assertLessEqual(len(line), columns, out)
        return out[out.index("\x1b[0m") + 4 :].splitlines()

    def test_a_log_cuts_where_it_went_before_who_and_never_kind_or_reason(self):
        kinds = ("created", "incident_opened", "incident_closed", "task_started", "task_failed", "transition")
        record = {"time": "2026-11-22T09:06:54.1Z", "from": ["waitingForApprovalOfTheBoard"], "to": ["waitingForApprovalOfTheCustomer"], "trigger": "CUSTOMER_HAS_APPROVED", "act": {"sub": "someone.with.a.long.name@example.com"}, "reason": "no_transition", "corr": "c" * 40}
        with lying({"/v1/instances/x/history": (200, {"items": [{**record, "kind": k, "seq": 1000000 + i} for i, k in enumerate(kinds)], "next": None})}) as socket:
            for columns in (78, 80, 100, 120):
                lines = self.table(columns, socket, "log", "x")
                for kind, line in zip(kinds, lines):
                    self.assertRegex(line, rf" {kind}  .* no_transition$")
                    self.assertIn("TheCustomer  …", line)
                    self.assertIn("  some", line)
        short = {**record, "act": {"sub": "alice.archer@example.com"}, "reason": None, "kind": "transition", "seq": 7}
        with lying({"/v1/instances/x/history": (200, {"items": [short], "next": None})}) as socket:
            (line,) = self.table(80, socket, "log", "x")
            self.assertIn("alice.archer@example.com", line)
            self.assertIn("…", line)

    def test_ids_that_differ_at_their_ends_stay_apart(self):
        ids = [f"purchase-order-2026-department-of-works-{i:05}" for i in range(3)]
        items = [{"id": i, "key": "K-" + i, "machine": "purchase-order-approval", "state": "waitingForApprovalOfTheBoard", "status": "running", "for_ns": 90000000000} for i in ids]
        with lying({"/v1/instances": (200, {"items": items, "next": None}), "/v1/stuck": (200, {"items": items, "next": None})}) as socket:
            for args in (("ls",), ("stuck", "--for", "1s")):
                self.assertEqual([line.split()[0] for line in self.table(80, socket, *args)], ids)
                cut = [line.split()[0] for line in self.table(60, socket, *args)]
                self.assertEqual(len(set(cut)), 3)
                for name, whole in zip(cut, ids):
                    head, tail = name.split("…")
                    self.assertTrue(whole.startswith(head) and whole.endswith(tail) and len(tail) >= 5, name)

    def test_a_cut_id_may_be_pasted_when_its_beginning_is_enough(self):
        with lying({"/v1/instances/case-1/": (200, {"items": [], "next": None}), "/v1/instances/case-1": (200, {"id": "case-1-and-so-on-77"})}) as socket:
            for name in ("case-1…", "case-1…-77", "case-1…case-1-and-so-on-77"):
                self.ok("--socket", socket, "get", name)
                self.ok("--socket", socket, "log", name)
            for args in (("get",), ("log",), ("send",)):
                rest = ("GO",) if args == ("send",) else ()
                _, err = self.expect(3, "--socket", socket, *args, "case-1…-78", *rest)
                self.assertIn("does not end in -78", err)
        with lying({"/": (409, {"code": "ambiguous", "detail": "many"})}) as socket:
            _, err = self.expect(3, "--socket", socket, "send", "case…77", "GO")
            self.assertIn("fsm-cli ls | cat", err)
            self.expect(2, "--socket", socket, "get", "…77")

    def test_a_guard_that_does_not_fit_stands_below_its_row(self):
        wide = {"event": "APPROVE", "enabled": False, "target": "approved", "guard_name": "mayApprove", "guard": "context.amount < 10000 && actor.roles.exists(r, r == 'approver') && context.retries < 3", "seen": {"context.amount": 12000, "context.note": "n" * 4000}}
        more = {"event": "CANCEL", "enabled": True, "target": "cancelled", "schema": {"type": "object", "required": ["reason"], "properties": {n: {"type": "string"} for n in ("reason", "comment", "department", "approver", "reference")}}}
        document = {"instance": "x", "state": ["waiting"], "status": "running", "events": [wide, more]}
        with lying({"/v1/instances/x/events": (200, document)}) as socket:
            lines = self.table(80, socket, "events", "x")
            self.assertRegex(lines[0], r"^APPROVE +no +approved$")
            self.assertEqual(lines[1], "  guard: mayApprove: context.amount < 10000 && actor.roles.exists(r, r ==")
            self.assertEqual(lines[2], "         'approver') && context.retries < 3")
            self.assertEqual(lines[3], "  saw:   context.amount = 12000")
            self.assertRegex(lines[4], r'^  saw:   context\.note = "n+…$')
            self.assertRegex(lines[5], r"^CANCEL +yes +cancelled$")
            self.assertEqual(lines[6], "  takes: reason string, approver? string, comment? string, department? string,")
            self.assertEqual(lines[7], "         reference? string")
            out = self.ok("--socket", socket, "events", "x")
            self.assertIn("context.retries < 3  context.amount = 12000, context.note = \"nnn", out)
            self.assertLess(max(map(len, out.splitlines())), 600)
            self.table(30, socket, "events", "x")

    def test_what_a_guard_saw_never_floods_the_refusal(self):
        for count, lines in ((3, 3), (10, 10), (40, 10)):
            seen = {f"context.v{i:02}": "x" * 5000 for i in range(count)}
            problem = {"code": "guard_false", "detail": "no", "refusal": {"candidates": [{"guard": "a", "seen": seen}]}}
            with lying({"/": (409, problem)}) as socket:
                _, err = self.expect(4, "--socket", socket, "get", "x")
                saw = [line for line in err.splitlines() if line.startswith("  saw:")]
                self.assertEqual(len(saw), lines)
                self.assertEqual({len(line) for line in saw[:9]}, {200})
                self.assertEqual("and 31 more: -o json" in saw[-1], count == 40)
                code, out = run_in_terminal(80, "--socket", socket, "get", "x")
                self.assertEqual((code, max(len(line) for line in out.splitlines() if "saw:" in line)), (4, 80))

    def test_get_on_a_narrow_terminal_wraps_no_line_of_a_task(self):
        state = "s" * 40
        document = {"id": "x", "machine": "m", "version": 1, "status": "running", "state": [state], "since": {state: "2026-11-22T09:00:00.1Z"}, "now": "2026-11-22T09:01:04.1Z", "tasks": [{"id": "t" * 64, "service": "s" * 64, "token": "0" * 32, "attempt": 1, "attempts": 10, "status": "started", "deadline": "2026-11-22T10:00:00.1Z"}], "timers": [{"id": "t" * 64, "event": "e" * 60, "due": "2026-11-22T10:00:00.1Z"}]}
        with lying({"/v1/instances/x": (200, document)}) as socket:
            code, out = run_in_terminal(80, "--socket", socket, "get", "x")
            self.assertEqual(code, 0)
            self.assertLessEqual(max(map(len, out.splitlines())), 80, out)
            self.assertIn("    state:    attempt 1 of 10 runs until 2026-11-22T10:00:00Z (58m56s left)\n", out)
            self.assertIn(f"state:        {state}\nsince:        2026-11-22T09:00:00Z\n", out)
            self.assertIn(f"state:        {state} for 1m4s, since ", run("--socket", socket, "get", "x")[1])

    def test_get_tells_what_operators_and_other_instances_have_to_do_with_it(self):
        document = {"id": "x", "machine": "m", "version": 1, "status": "incident", "state": ["a"], "now": "2026-11-22T09:00:00.1Z", "forced": True, "parent": {"instance": "p", "task": "pay"}, "incident": {"reason": "task_failed", "text": "it is down", "seq": 7},
                    "tasks": [{"id": "t", "service": "http", "token": "0" * 32, "attempt": 1, "attempts": 3, "status": "nobody", "due": "2026-11-22T08:00:00Z", "why": "it is off", "error": "503"}],
                    "timers": [{"id": "same", "event": "same", "due": "2026-11-22T10:00:00Z"}],
                    "messages": [{"id": "m1", "kind": "event", "to": "y", "event": "HI", "due": "2026-11-22T10:00:00.1Z"}]}
        with lying({"/v1/instances/x": (200, document)}) as socket:
            out = run("--socket", socket, "get", "x")[1]
        self.assertIn("\nchild of:     p (task pay)\nforced:       yes: an operator has put it where it stood; see: fsm-cli log\nincident:\n  reason: task_failed\n", out)
        self.assertIn("    why:      it is off\n    error:    503\n", out)
        self.assertIn("timers:\n  same\n    state:    due in", out)
        self.assertIn("messages:\n  HI\n    to:       y\n    state:    due in 1h\n    at:       2026-11-22T10:00:00Z\n", out)

    def test_a_list_tells_who_is_parked_and_why_and_a_log_what_the_operator_said(self):
        item = {"id": "x", "machine": "m", "version": 1, "state": "a", "status": "incident", "since": "2026-11-22T09:00:00Z", "for_ns": 1, "rev": 1, "forced": True, "incident": {"reason": "task_failed", "text": "it is down", "seq": 7}}
        record = {"seq": 8, "time": "2026-11-22T09:06:54Z", "kind": "paused", "from": ["a"], "to": ["a"], "cause": "admin", "detail": {"command": "pause", "reason": "the bank asked for it, by telephone"}, "act": {"sub": "olga"}, "corr": "c"}
        with lying({"/v1/instances/x/history": (200, {"items": [record], "next": None}), "/v1/instances": (200, {"items": [item], "next": None, "seq": 9, "now": "2026-11-22T09:00:00Z"})}) as socket:
            self.assertRegex(run("--socket", socket, "ls")[1], r"\nx .* incident +\S+ +it is down, forced\n")
            self.assertRegex(run("--socket", socket, "log", "x")[1], r" paused .* olga +\S+ +the bank asked for it, by telephone\n")
            code, out = run_in_terminal(80, "--socket", socket, "--no-color", "log", "x")
            self.assertEqual(code, 0)
            self.assertLessEqual(max(map(len, out.splitlines())), 80, out)
            self.assertIn("olga", out)
            self.assertIn("the bank", out)

    def test_a_page_that_is_too_large_is_asked_for_in_halves(self):
        def page(path):
            limit = int(dict(p.split("=") for p in path.split("?")[1].split("&"))["limit"]) if "?" in path else 100
            return 200, {"items": [{"seq": i, "kind": "x" * 50000} for i in range(limit)], "next": None}

        with lying({"/v1/instances/x/history": page}) as socket:
            items = self.json("--socket", socket, "log", "x")["items"]
            self.assertEqual(len(items), 62)

    def test_pages_that_never_end_do(self):
        with lying({"/": (200, {"items": [], "next": "again"})}) as socket:
            self.assertEqual(run("--socket", socket, "ls", "--all")[0], 9)


if __name__ == "__main__":
    built_or_skip()
    unittest.main(verbosity=2)
