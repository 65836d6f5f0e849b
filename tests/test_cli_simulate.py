#!/usr/bin/env python3
"""fsm-cli def simulate: transcripts of scripts and of typed lines, and every way in which they go wrong.

UPDATE=1 writes the golden transcripts anew. Exit 77: the program is not built.
"""
import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

BUILD, SOURCE = os.environ.get("FSM_BUILD_DIR", ""), os.environ.get("FSM_SOURCE_DIR", "")
CLI = os.path.join(BUILD, "fsm-cli")
CASES = os.path.join(SOURCE, "tests", "cases", "simulate")
PAYMENT, PARENT, LIGHT = (os.path.join(CASES, n) for n in ("payment.json", "parent.json", "light.scxml"))
EXPENSE = '{"claim":"C-1","amount":42.5,"claimant":"cara"}'
APPROVAL = os.path.join(SOURCE, "examples", "document-approval.json")
DOCUMENT = json.dumps({"id": "D-1", "title": "Lease", "amount": 120, "department": "legal", "submitter": "anna"})
PATIENCE_S = 60


def environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith("FSM_")}
    return {**env, "TERM": "xterm"}


def simulate(*args, input=""):
    data = input.encode() if isinstance(input, str) else input
    done = subprocess.run([CLI, "def", "simulate", *args], input=data, capture_output=True, timeout=PATIENCE_S,
                          env=environment(), cwd=SOURCE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def lines_of(out):
    return [json.loads(line) for line in out.splitlines()]


def last_status(out):
    return [line for line in lines_of(out) if line["kind"] == "status"][-1]["sessions"]


class Terminal:
    """fsm-cli in a terminal of so many columns."""

    def __init__(self, columns, *args):
        self.main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.child = subprocess.Popen([CLI, "def", "simulate", *args], stdin=side, stdout=side, stderr=side,
                                      env=environment(), cwd=SOURCE)
        os.close(side)
        self.seen = ""

    def read_until(self, text):
        """What comes up to that text."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                data = os.read(self.main, 65536).decode(errors="replace")
                if not data:
                    break
                self.seen += data.replace("\r\n", "\n")
        if text not in self.seen:
            raise AssertionError("%r did not come; seen: %s" % (text, self.seen))
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, line):
        os.write(self.main, (line + "\n").encode())
        self.read_until(line + "\n")
        return self.read_until("fsm> ")

    def close(self):
        os.write(self.main, b"quit\n")
        with contextlib.suppress(OSError):
            while os.read(self.main, 65536):
                pass
        os.close(self.main)
        return self.child.wait(PATIENCE_S)


class Case(unittest.TestCase):
    maxDiff = None

    def golden(self, name, out):
        path = os.path.join(CASES, name)
        if os.environ.get("UPDATE"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(out)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(out, file.read())

    def script(self, *lines):
        file = tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False, dir=self.folder)
        with file:
            file.write("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return file.name

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = holder.name


class Transcripts(Case):
    def test_scripts_read_as_the_story_of_the_machine(self):
        for name, machine in (("payment", PAYMENT), ("light", LIGHT)):
            for form in ("txt", "json"):
                with self.subTest(name=name, form=form):
                    args = ["-o", "json"] if form == "json" else []
                    code, out, err = simulate(machine, "-f", os.path.join(CASES, name + ".jsonl"), *args)
                    self.assertEqual((code, err), (0, ""))
                    self.golden("%s.%s" % (name, "transcript" if form == "txt" else "transcript.jsonl"), out)

    def test_typed_lines_read_so_too(self):
        with open(os.path.join(CASES, "payment.typed")) as file:
            typed = file.read()
        code, out, err = simulate(PAYMENT, input=typed)
        self.assertEqual((code, err), (0, ""))
        self.golden("payment.typed.transcript", out)

    def test_the_example_script_holds(self):
        code, out, err = simulate(APPROVAL, "--input", "@examples/simulate-input.json", "-f", "examples/simulate-approve.jsonl")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("ended     completed, output {\"decision\":\"approved\",\"reviewId\":\"R-7\"}", out)

    def test_the_scripts_of_the_other_examples_hold(self):
        order = ("examples/purchase-order.json", "--input", "@examples/simulate-order-input.json")
        for args, end in (((*order, "-f", "examples/simulate-order.jsonl"), '{"decision":"approved"}'),
                          ((*order, "-f", "examples/simulate-order-late.jsonl"), "nobody answered in 30 days"),
                          (("examples/expense-claim.json", "--input", EXPENSE, "-f", "examples/simulate-expense.jsonl"), '{"receipt":"R-1"}'),
                          (("examples/loan.scxml", "-f", "examples/simulate-loan.jsonl"), '{"sum":12000}')):
            with self.subTest(args=args):
                code, out, err = simulate(*args)
                self.assertEqual((code, err), (0, ""))
                self.assertIn(end, out)

    def test_the_same_script_gives_the_same_bytes(self):
        args = (PAYMENT, "-f", os.path.join(CASES, "payment.jsonl"), "-o", "json")
        self.assertEqual(simulate(*args), simulate(*args))


class Guards(Case):
    def why(self, guard, context, data=None, extra=()):
        machine = {"id": "m", "@exprLang": "cel", "context": context, "initial": "a",
                   "states": {"a": {"on": {"GO": {"target": "b", "guard": {"@expr": guard}}}}, "b": {"on": {"X": "a"}}}}
        path = self.script(machine)
        line = "GO" if data is None else "GO " + json.dumps(data)
        code, out, _ = simulate(path, "-o", "json", *extra, input=line + "\n")
        self.assertEqual(code, 0)
        step = [s for s in lines_of(out) if s["kind"] == "step"][-1]
        self.assertEqual(step["outcome"], "guard_false")
        candidate = step["candidates"][0]
        return candidate.get("false_part"), candidate.get("seen")

    def test_of_an_and_the_operand_that_is_false_is_named_with_what_it_read(self):
        context = {"a": 1, "b": {"c": "x"}}
        self.assertEqual(self.why("context.a == 1 && context.b.c == 'y'", context), ("context.b.c == 'y'", {"context.b.c": "x"}))
        self.assertEqual(self.why("context.a == 2 && context.b.c == 'y'", context), ("context.a == 2", {"context.a": 1}))

    def test_an_and_inside_an_and_is_taken_apart_too(self):
        self.assertEqual(self.why("true && ((context.a > 0) && (1 < 2 && context.a > 5))", {"a": 1})[0], "context.a > 5")

    def test_of_an_or_and_of_a_choice_the_outermost_part_is_named(self):
        self.assertEqual(self.why("context.a == 1 && (context.a == 2 || context.a == 3)", {"a": 1})[0], "context.a == 2")
        self.assertEqual(self.why("context.a == 2 || context.a == 3 && true", {"a": 1})[0], "context.a == 2")
        self.assertEqual(self.why("context.a == 2 ? true && true : false && true", {"a": 1})[0], "context.a == 2")
        self.assertIsNone(self.why("!(context.a == 1)", {"a": 1})[0])

    def test_marks_inside_texts_and_brackets_are_no_operators(self):
        self.assertEqual(self.why("'a && b' == 'a && b' && [true && true][0] && context.a == 2", {"a": 1})[0], "context.a == 2")
        self.assertEqual(self.why("\"\\\"&&\" != '''it's && so''' && context.a == 2", {"a": 1})[0], "context.a == 2")
        self.assertEqual(self.why("r'\\' == '\\\\' && context.a == 2", {"a": 1})[0], "context.a == 2")

    def test_it_sees_event_actor_time_and_states(self):
        self.assertEqual(self.why("context.a == 1 && event.n > 3 && true", {"a": 1}, {"n": 2}), ("event.n > 3", {"event.n": 2}))
        self.assertEqual(self.why("true && actor.sub == 'bob'", {}, None, ("--actor", '{"sub":"anna"}')),
                         ("actor.sub == 'bob'", {"actor.sub": "anna"}))
        self.assertEqual(self.why("In('a') && In('b')", {})[0], "In('b')")
        self.assertEqual(self.why("true && now > timestamp('2001-01-01T00:00:00Z')", {})[0],
                         "now > timestamp('2001-01-01T00:00:00Z')")

    def test_a_guard_that_asks_who_acts_when_nobody_does_is_answered_with_how(self):
        machine = self.script({"id": "m", "@exprLang": "cel", "initial": "a", "states": {
            "a": {"on": {"GO": {"target": "a", "guard": {"@expr": "actor.sub == 'x'"}}}}}})
        self.assertIn("  actor     nobody; say who: --actor JSON, or actor", simulate(machine)[1])
        self.assertNotIn("nobody", simulate(machine, "--actor", '{"sub":"y"}')[1])

    def test_a_guard_that_fails_says_so_instead(self):
        machine = {"id": "m", "@exprLang": "cel", "initial": "a",
                   "states": {"a": {"on": {"GO": {"target": "a", "guard": {"@expr": "event.data.x == 1"}}}}}}
        code, out, _ = simulate(self.script(machine), input="GO\n")
        self.assertEqual(code, 0)
        self.assertIn("fault: ", out)


class Children(Case):
    ARGS = (PARENT, "--child", "reviewer=" + os.path.join(CASES, "reviewer.json"))

    def test_without_a_machine_an_invocation_is_a_task(self):
        code, out, err = simulate(PARENT, "-o", "json", input='done review {"verdict":"good"}\n')
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(last_status(out)[0]["context"], {"verdict": "good"})
        self.assertEqual(last_status(out)[0]["state"], ["told"])

    def test_with_one_it_is_a_session_that_is_sent_events_by_its_name(self):
        code, out, err = simulate(*self.ARGS, "-o", "json", input="@s2 READ\n")
        self.assertEqual((code, err), (0, ""))
        steps = [s for s in lines_of(out) if s["kind"] == "step"]
        self.assertEqual([(s["session"], s["what"]) for s in steps],
                         [("s1", "start"), ("s2", "start"), ("s2", "event"), ("s1", "event")])
        self.assertEqual(last_status(out)[0]["context"], {"verdict": "long"})

    def test_a_child_s_timers_and_tasks_are_reached(self):
        for line in ("+1m", "next", "done clerk", '{"done":"clerk","session":"s2"}'):
            with self.subTest(line=line):
                code, out, err = simulate(*self.ARGS, "-o", "json", input=line + "\n")
                self.assertEqual((code, err), (0, ""))
                self.assertEqual(last_status(out)[0]["state"], ["told"])

    def test_a_child_stops_with_its_parent_s_state(self):
        code, out, _ = simulate(*self.ARGS, input="STOP\n")
        self.assertEqual(code, 0)
        self.assertIn("stop  (s2 reviewer)", out)

    def test_a_child_that_cannot_be_read_is_told_before_anything_runs(self):
        code, out, err = simulate(PARENT, "--child", "reviewer=/nowhere.json")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("/nowhere.json: cannot be opened", err)
        code, _, err = simulate(PARENT, "--child", "reviewer")
        self.assertEqual(code, 2)
        self.assertIn("--child takes NAME=FILE", err)

    def test_sessions_and_tasks_that_are_not_there_are_told(self):
        code, _, err = simulate(*self.ARGS, input="@s9 READ\n")
        self.assertEqual(code, 3)
        self.assertIn("stdin:1: s9: there is no such session now", err)
        code, _, err = simulate(*self.ARGS, input="done review\n")
        self.assertEqual(code, 3)
        self.assertIn("no such task waits for an answer", err)

    def test_a_wrong_task_is_answered_with_those_that_wait(self):
        code, _, err = simulate(PARENT, input="done reviewer\n")
        self.assertEqual(code, 3)
        self.assertIn("reviewer: no such task waits for an answer now; these do: review (reviewer)", err)


class Scripts(Case):
    def fails(self, expected_code, expected_text, *lines, machine=PAYMENT, args=()):
        path = self.script(*lines)
        code, out, err = simulate(machine, "-f", path, *args)
        self.assertEqual(code, expected_code, err)
        self.assertIn(expected_text.replace("FILE", path), err)
        self.assertNotIn("usage:", err)
        return out

    def test_a_refused_event_ends_it_unless_that_is_expected(self):
        self.fails(4, "FILE:1: MONEY_OK is not taken: a guard refused the event", {"event": "MONEY_OK"})
        self.fails(4, "FILE:1: MONEY_OK is not taken", {"event": "MONEY_OK"}, {"event": "NOTE"})
        self.fails(4, "FILE:2: ", {"event": "NOTE"}, {"event": "MONEY_OK"}, {"expect": {"done": False}})
        code, _, err = simulate(PAYMENT, "-f", self.script({"event": "MONEY_OK"}, {"expect": {"refused": True}}))
        self.assertEqual((code, err), (0, ""))
        self.fails(1, "FILE:2: refused: expected true, is false", {"event": "NOTE"}, {"expect": {"refused": True}})
        self.fails(1, 'refused: expected "no_transition", is "guard_false"', {"event": "MONEY_OK"},
                   {"expect": {"refused": "no_transition"}})

    def test_an_unknown_event_is_answered_with_those_that_may_be_sent(self):
        self.fails(4, "FILE:1: NOTES is not taken: the machine does not know the event; did you mean NOTE?; "
                      "may be sent now: LEGAL_OK, CANCEL, SET, BAD, NOTE, NOTED, LATER, NEVER", {"event": "NOTES"})

    def test_what_is_not_as_expected_is_told_with_the_first_difference(self):
        for expected, text in (
                ({"state": ["work.legal.open"]}, 'state: expected ["work.legal.open"], is ["work.legal.open","work.money.open"]'),
                ({"state": "paid"}, 'state: expected "paid", is'),
                ({"context": {"amount": 5}}, "context.amount: expected 5, is 12000"),
                ({"context": {"nothing": 1}}, "context.nothing: expected 1, is nothing"),
                ({"output": {}}, "output: expected {}, is nothing"),
                ({"done": True}, "done: expected true, is false"),
                ({"enabled": ["PAY"]}, 'enabled: expected ["PAY"], is ["LEGAL_OK"'),
                ({"tasks": ["x"]}, 'tasks: expected ["x"], is []'),
                ({"timers": []}, "timers: expected [], is ")):
            with self.subTest(expected=expected):
                self.fails(1, "FILE:2: " + text, {"event": "NOTE"}, {"expect": expected})

    def test_differences_deep_in_a_value_name_their_place(self):
        machine = self.script({"id": "m", "@exprLang": "cel", "context": {"o": {"l": [1, {"x": 2}], "t": "a"}},
                               "initial": "a", "states": {"a": {}}})
        same = {"o": {"l": [1.0, {"x": 2}], "t": "a"}}
        self.assertEqual(simulate(machine, "-f", self.script({"expect": {"context": same}}))[0], 0)
        for wrong, text in (({"l": [1, {"x": 3}], "t": "a"}, "context.o.l[1].x: expected 3, is 2"),
                            ({"l": [1], "t": "a"}, "context.o.l: expected [1], is [1,{"),
                            ({"l": [1, {"x": 2}]}, 'context.o.t: expected nothing, is "a"'),
                            ({"l": [1, {"x": 2}], "t": "1"}, 'context.o.t: expected "1", is "a"')):
            self.fails(1, text, {"expect": {"context": {"o": wrong}}}, machine=machine)

    def test_lines_that_cannot_be_read_are_told_with_file_line_and_reason(self):
        for line, text in (
                ('{"event": oops}', "FILE:2:"),
                ("[1]", "FILE:2: a line is a JSON object"),
                ({"evnt": "A"}, 'FILE:2: nothing here says what to do; did you mean "event"?'),
                ({}, 'FILE:2: a line has one of "event", "after"'),
                ({"event": "A", "dat": 1}, '"dat" has no place beside "event"'),
                ({"event": 5}, '"event" takes a text'),
                ({"after": "5 parsecs"}, "5 parsecs"),
                ({"after": -1}, "more than nothing"),
                ({"after": True}, "a number of milliseconds"),
                ({"actor": 5}, '"actor" takes an object'),
                ({"expect": []}, '"expect" takes an object'),
                ({"expect": {"stat": "a"}}, '"stat" cannot be expected; what can: state'),
                ({"expect": {"state": 5}}, '"state" is a list of texts'),
                ({"expect": {"refused": "rude"}}, '"refused" is true, false or a reason')):
            with self.subTest(line=line):
                self.fails(2, text, {"event": "NOTE"}, line)

    def test_a_task_that_is_not_open_is_not_found(self):
        self.fails(3, "FILE:1: x: no such task waits for an answer now", {"done": "x"})

    def test_an_error_that_nothing_handles_ends_it(self):
        self.fails(1, "FILE:1: error.execution is not handled: ", {"event": "BAD"}, {"event": "NOTE"})
        code, out, err = simulate(PAYMENT, "-f", self.script({"event": "BAD"}, {"expect": {"refused": "expression"}}))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("unhandled error.execution: ", out)

    def test_data_is_held_against_its_schema_first(self):
        lines = ({"event": "SUBMIT"}, {"done": "submitForReview", "output": {"reviewId": "R"}}, {"event": "REJECT", "data": {"reason": 5}})
        self.fails(4, "FILE:3: the data of REJECT does not match its schema: /reason", *lines, machine=APPROVAL,
                   args=("--input", DOCUMENT))

    def test_empty_lines_are_nothing_and_lines_keep_their_numbers(self):
        self.fails(3, "FILE:3: ", "", "   \t", {"done": "x"})
        self.fails(2, "FILE:2: a line is a JSON object, like", {"event": "NOTE"}, "NOTE")
        self.assertEqual(simulate(PAYMENT, "-f", self.script())[0], 0)

    def test_a_script_from_stdin_is_one(self):
        code, _, err = simulate(PAYMENT, "-f", "-", input='{"event":"MONEY_OK"}\n')
        self.assertEqual(code, 4)
        self.assertIn("stdin:1: ", err)

    def test_expectations_are_lines_of_the_json_too(self):
        path = self.script({"expect": {"done": False}}, {"expect": {"done": True}})
        code, out, _ = simulate(PAYMENT, "-f", path, "-o", "json")
        told = [line for line in lines_of(out) if line["kind"] == "expect"]
        self.assertEqual(code, 1)
        self.assertEqual([(line["line"], line["ok"]) for line in told], [(1, True), (2, False)])
        self.assertEqual(told[1]["text"], "done: expected true, is false")

    def test_time_moves_only_when_told(self):
        path = self.script({"after": 500}, {"after": 0.5}, {"jump": "1d"}, {"expect": {"state": "gone"}})
        code, out, err = simulate(PAYMENT, "-f", path, "-o", "json", "--now", "2026-03-01T09:00:00Z")
        self.assertEqual((code, err), (0, ""))
        times = [line["time"] for line in lines_of(out) if line["kind"] == "status"]
        self.assertEqual(times, ["2026-03-01T09:00:00Z", "2026-03-01T09:00:00.500Z", "2026-03-01T09:00:00.500500Z",
                                 "2026-03-02T09:00:00.500500Z"])

    def test_a_machine_that_never_rests_is_stopped(self):
        machine = self.script({"id": "m", "@exprLang": "cel", "initial": "a", "states": {
            "a": {"after": {"1": "b"}}, "b": {"after": {"1": "a"}}}})
        path = self.script({"after": "1h"})
        code, _, err = simulate(machine, "-f", path, "-o", "json")
        self.assertEqual(code, 4, err)
        self.assertIn('"where":"%s:1"' % path, err)


class Typed(Case):
    def test_undoing_goes_back_step_by_step_to_the_start(self):
        typed = "NOTE\n+1m\nNOTE\nback\nback\nback\n"
        statuses = [s for s in lines_of(simulate(PAYMENT, "-o", "json", input=typed)[1]) if s["kind"] == "status"]
        self.assertEqual(len(statuses), 7)
        self.assertEqual(statuses[4:], [statuses[2], statuses[1], statuses[0]])
        code, _, err = simulate(PAYMENT, input="back\n")
        self.assertEqual(code, 2)
        self.assertIn("stdin:1: there is nothing to undo", err)

    def test_undoing_an_actor_and_a_child_s_answer(self):
        typed = 'actor {"sub":"anna"}\nback\n'
        statuses = [s for s in lines_of(simulate(PAYMENT, "-o", "json", input=typed)[1]) if s["kind"] == "status"]
        self.assertEqual([s.get("actor") for s in statuses], [None, {"sub": "anna"}, None])
        out = simulate(*Children.ARGS, "-o", "json", input="done clerk\nback\n@s2 READ\n")[1]
        self.assertEqual(last_status(out)[0]["state"], ["told"])

    def test_what_is_saved_can_be_run_and_ends_where_it_was(self):
        path = os.path.join(self.folder, "saved.jsonl")
        typed = 'NOTE\nMONEY_OK\n+90s\nactor {"sub":"x"}\nSET {"amount":5}\nMONEY_OK\n+1500ms\nsave %s\nLEGAL_OK\n' % path
        code, _, err = simulate(PAYMENT, input=typed)
        self.assertEqual((code, err), (0, ""))
        code, out, err = simulate(PAYMENT, "-f", path, "-o", "json")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(last_status(out)[0]["state"], ["work.legal.open", "work.money.done"])
        with open(path) as file:
            saved = [json.loads(line) for line in file]
        self.assertEqual(saved[1:3], [{"event": "MONEY_OK"}, {"expect": {"refused": "guard_false"}}])
        self.assertEqual(saved[-1], {"expect": {"state": ["work.legal.open", "work.money.done"]}})
        code, _, err = simulate(PAYMENT, input="save %s\n" % path)
        self.assertEqual(code, 2)
        self.assertIn("is there already; give another name", err)

    def test_mistakes_end_what_is_piped_in(self):
        for line, code, text in (("advanc 5m", 2, "there is no command advanc; did you mean advance?"),
                                 ("next", None, ""), ("+", 2, "say how long"), ("done", 2, "say which task: done TASK"),
                                 ("why NOTE", 2, "why is neither a command nor an event of the machine; see: help"),
                                 ("actor anna", 2, '"anna" is no JSON'), ("actor [1]", 2, "an actor is an object or null"),
                                 ('NOTE {"x":}', 2, "is no JSON, at its column"), ("save", 2, "say where: save FILE"),
                                 ("+5 parsecs", 2, "5 parsecs"), ("back", 2, "there is nothing to undo"),
                                 ('{"expect":{"done":true}}', 1, "done: expected true, is false")):
            with self.subTest(line=line):
                got, _, err = simulate(PAYMENT, input=line + "\nNOTE\n")
                self.assertEqual(got, code or 0, err)
                if code:
                    self.assertIn("stdin:1: ", err)
                    self.assertIn(text, err)
                    self.assertNotIn("usage:", err)

    def test_a_refusal_is_shown_and_goes_on(self):
        code, out, err = simulate(PAYMENT, input="MONEY_OK\nnote\nLEGALOK\nnoote\nNOTE\n")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("refused   a guard refused the event", out)
        self.assertEqual(out.count("did you mean NOTE?"), 2)
        self.assertIn("did you mean LEGAL_OK?", out)
        self.assertIn("context   notes: 0 → 2", out)

    def test_next_without_a_timer_says_so(self):
        code, _, err = simulate(PAYMENT, input="CANCEL\nnext\n")
        self.assertEqual(code, 2)
        self.assertIn("stdin:2: no timer is set", err)

    def test_an_event_named_like_a_command_is_sent_by_send(self):
        machine = self.script({"id": "m", "@exprLang": "cel", "initial": "a", "states": {
            "a": {"on": {"back": "b", "submit": "a"}}, "b": {}}})
        code, out, err = simulate(machine, "-o", "json", input="submit\nsend back {\"x\":1}\n")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(last_status(out)[0]["state"], ["b"])

    def test_nothing_that_is_printed_moves_a_terminal(self):
        machine = self.script({"id": "m", "@exprLang": "cel", "initial": "a", "context": {"e": "\x1b[31m\u202e"}, "states": {
            "a": {"on": {"X\x1b]0;y\x07": {"target": "a", "guard": {"@expr": "context.e == '\\u001b' && true"}}}}}})
        for args in ((), ("-o", "json")):
            code, out, err = simulate(machine, *args, input='send X\x1b]0;y\x07 {"z":"\\u009b"}\ncontext\n\x07\n')
            self.assertEqual(code, 0, err)
            self.assertNotRegex(out + err, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")

    def test_lines_that_are_no_text_are_refused(self):
        code, _, err = simulate(PAYMENT, input=b"NO\0TE\n")
        self.assertEqual(code, 2)
        code, _, err = simulate(PAYMENT, input=b"\xff\xfe\n")
        self.assertEqual(code, 0)


class InATerminal(Case):
    def test_at_80_columns_no_line_is_longer_and_a_mistake_is_forgiven(self):
        terminal = Terminal(80, PAYMENT)
        seen = terminal.read_until("fsm> ")
        self.assertIn("type an event, or: help, quit", seen)
        seen += terminal.type("MONEY_OK")
        seen += terminal.type("advanc 5m")
        self.assertIn("there is no command advanc; did you mean advance?", seen)
        self.assertNotIn("usage:", seen)
        for line in ("help", "NOTE", "next", "SET {\"amount\":5,\"%s\":1}" % ("long" * 40), "context", "back", "WHO"):
            seen += terminal.type(line)
        self.assertEqual([line for line in seen.split("\n") if len(line) > 80], [])
        self.assertIn("false: context.amount < 10000", seen)
        self.assertEqual(terminal.close(), 0)

    def test_a_script_can_be_gone_on_with_by_hand(self):
        terminal = Terminal(80, PAYMENT, "-f", self.script({"event": "NOTE"}), "-i")
        self.assertIn("notes: 0 → 2", terminal.read_until("fsm> "))
        self.assertIn("notes: 2 → 4", terminal.type("NOTE"))
        self.assertEqual(terminal.close(), 0)


class Options(Case):
    def test_an_input_that_does_not_fit_is_told_with_how_to_give_it(self):
        code, out, err = simulate(APPROVAL)
        self.assertEqual((code, out), (4, ""))
        self.assertIn("give it with --input JSON", err)
        path = self.script(DOCUMENT)
        self.assertEqual(simulate(APPROVAL, "--input", "@" + path)[0], 0)

    def test_options_that_cannot_be_read_are_told(self):
        for args, text in ((("--now", "tomorrow"), "--now takes a time in UTC"), (("--actor", "anna"), "--actor takes JSON"),
                           (("--actor", "[1]"), "--actor takes an object"), (("--input", "{"), "--input takes JSON"),
                           (("-f", "/nowhere.jsonl"), "/nowhere.jsonl: cannot be opened")):
            with self.subTest(args=args):
                code, out, err = simulate(PAYMENT, *args)
                self.assertEqual((code, out), (2, ""), err)
                self.assertIn(text, err)

    def test_a_machine_from_stdin_needs_a_script(self):
        with open(PAYMENT, "rb") as file:
            machine = file.read()
        self.assertEqual(simulate("-", "-f", os.path.join(CASES, "payment.jsonl"), input=machine)[0], 0)
        code, _, err = simulate("-", input=machine)
        self.assertEqual(code, 2)
        self.assertIn("events come from a file: -f FILE", err)
        self.assertEqual(simulate("-", "-f", "-", input=machine)[0], 2)

    def test_a_start_that_fails_is_told(self):
        machine = self.script({"id": "m", "@exprLang": "cel", "context": {"a": {"@expr": "input.x.y"}}, "initial": "a", "states": {"a": {}}})
        code, _, err = simulate(machine)
        self.assertEqual(code, 1, err)
        machine = self.script({"id": "m", "@exprLang": "cel", "initial": "a", "states": {"a": {"always": "b"}, "b": {"always": "a"}}})
        code, _, err = simulate(machine)
        self.assertEqual(code, 4, err)

    def test_a_machine_that_is_wrong_is_told_with_file_and_place(self):
        path = self.script({"id": "m", "initial": "a", "states": {"a": {"on": {"X": "nowhere"}}}})
        code, out, err = simulate(path)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("%s: /states/a/on/X" % path, err)

    def test_a_reader_that_goes_away_ends_it_silently(self):
        done = subprocess.run("'%s' def simulate '%s' -f '%s' -o json | head -1" % (CLI, PAYMENT, os.path.join(CASES, "payment.jsonl")),
                              shell=True, capture_output=True, timeout=PATIENCE_S, env=environment())
        self.assertEqual(done.stderr, b"")


if __name__ == "__main__":
    if not os.access(CLI, os.X_OK):
        print("fsm-cli is not built")
        sys.exit(77)
    unittest.main(verbosity=1)
