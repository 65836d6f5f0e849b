#!/usr/bin/env python3
"""fsm-cli why: each command that it prints is run as it stands there, by a shell, and the instance moves.

Every situation is made anew for each of its commands. One that says that it needs a role is given a token of somebody
who has it. Exit 77: the programs are not built.
"""
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from http_daemon import Daemon, token  # noqa: E402

BUILD = os.environ.get("FSM_BUILD_DIR", "")
CLI = os.path.join(BUILD, "fsm-cli")
PATIENCE_S = 60
END = {"z": {"type": "final"}}
TASK = {"a": {"invoke": {"id": "pay", "src": "bank", "onDone": "z"}}, **END}
KID = {"id": "kid", "initial": "w", "states": {"w": {"on": {"UP": "x"}}, "x": {"type": "final"}}}


def chart(states, **more):
    return {"id": "m", "initial": "a", "states": states, **more}


def role(name):
    return {"meta": {"fsm": {"allow": ["'%s' in actor.roles" % name]}}}


def expr(text):
    return {"@expr": text}


# name: (chart, arguments of fsm-cli that bring it there, role of who can send)
SITUATIONS = {
    "an event": (chart({"a": {"on": {"GO": "z"}}, **END}), [], None),
    "two events, one of which stays": (
        chart({"a": {"on": {"GO": "z", "ADD": {"context": {"n": expr("context.n + 1")}}}}, **END}, context={"n": 1}), [], None),
    "an event with data": (
        chart({"a": {"on": {"GO": "z"}}, **END}, schemas={"events": {"GO": {
            "type": "object", "required": ["why", "n", "kind"], "properties": {
                "why": {"type": "string", "minLength": 6}, "n": {"type": "integer", "minimum": 3},
                "kind": {"enum": ["it's", "b"]}}}}}), [], None),
    "a role": (chart({"a": {"on": {"GO": {"target": "z", **role("manager")}}}, **END}), [], "manager"),
    "a name that a shell would read": (chart({"a": {"on": {"GO $(x) 'y'": "z"}}, **END}), [], None),
    "a timer": (chart({"a": {"after": {"3600000": "z"}}, **END}), [], None),
    "a task": (chart(TASK), [], None),
    "a child": (chart({"a": {"invoke": {"id": "kid", "src": "machine", "input": {"machine": "kid"}, "onDone": "z"}}, **END}), [], None),
    "paused": (chart({"a": {"on": {"GO": "z"}}, **END}), [["pause", "i", "--reason", "x"]], None),
    "an incident": (chart({"a": {"on": {"GO": "b"}}, "b": {"always": "c"}, "c": {"always": {"target": "b", "guard": expr("!context.ok")}},
                           **END}, context={"ok": False}),
                    [["send", "i", "GO"], ["set", "i", "ok=true", "--reason", "x"]], None),
    "a guard that is false for ever": (
        chart({"a": {"on": {"GO": {"target": "z", "guard": expr("context.n > 5")}}}, "b": {}, **END}, context={"n": 1}), [], None),
    "a guard of many parts": (
        chart({"a": {"on": {"GO": {"target": "z", "guard": expr("context.ok && (context.n > 5 || context.note == \"it's so\") && 'x' in context.tags")}}},
               **END}, context={"ok": False, "n": 1, "note": "", "tags": ["y"]}), [], None),
    "a guard and a role": (
        chart({"a": {"on": {"GO": {"target": "z", "guard": expr("context.kind != 'red'"), **role("manager")}}}, **END}, context={"kind": "red"},
              schemas={"context": {"type": "object", "properties": {"kind": {"enum": ["red", "green"]}}}}), [], "manager"),
    "a guard over a name that a shell would read": (
        chart({"a": {"on": {"GO": {"target": "z", "guard": expr("context['$(x) b']")}}}, **END}, context={"$(x) b": False}), [], None),
    "a dead end": (chart({"a": {"on": {"GO": "b"}}, "b": {}, **END}), [["send", "i", "GO"]], None),
    "regions": (chart({"a": {"type": "parallel", "onDone": "z", "states": {
        "p": {"initial": "w", "states": {"w": {"on": {"P": "d"}}, "d": {"type": "final"}}},
        "q": {"initial": "w", "states": {"w": {"on": {"Q": "d"}}, "d": {"type": "final"}}}}}, **END}), [], None),
}


class Why(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon()
        cls.count = 0
        cls.d.request("POST", "/v1/machines", KID, local=True)  # so li is known from the start
        cls.d.request("POST", "/v1/instances", {"machine": "kid"}, auth=token(sub="li", roles=["manager"]))

    @classmethod
    def tearDownClass(cls):
        cls.d.remove()

    def run_cli(self, *args, expect=(0,)):
        done = subprocess.run([CLI, "--data", self.d.data, *args], capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertIn(done.returncode, expect, "%s: %s" % (args, done.stderr))
        return done.stdout

    def made(self, name):
        """The situation in a machine and an instance of its own."""
        definition, steps, _ = SITUATIONS[name]
        Why.count += 1
        machine, instance = "m%d" % self.count, "i%d" % self.count
        for one in ({**definition, "id": machine}, *([KID] if name == "a child" else [])):
            self.assertIn(self.d.request("POST", "/v1/machines", one, local=True).status, (200, 201), name)
        body = {"machine": machine, "id": instance}
        self.assertEqual(self.d.request("POST", "/v1/instances", body, local=True).status, 201, name)
        for step in steps:
            self.run_cli(*[instance if word == "i" else word for word in step], expect=range(9))
        return instance

    def state(self, instance):
        """What a change of it changes."""
        one = self.d.request("GET", "/v1/instances/" + instance, local=True).json
        return one["rev"], one["state"], one["status"]

    def printed(self, instance):
        """(command, what stands below it) as they are printed."""
        lines = self.run_cli("why", instance).split("\n")
        lines = lines[lines.index("what moves it:") + 1:]
        return [(a.strip(), b.strip()) for a, b in zip(lines[::2], lines[1::2]) if a.startswith("  fsm-cli")]

    def test_each_command_that_is_printed_moves_the_instance(self):
        ran = 0
        for name, (_, _, who) in SITUATIONS.items():
            of = self.printed(self.made(name))
            self.assertTrue(of, name)
            for place in range(len(of)):
                with self.subTest(name=name, command=of[place][0]):
                    ran += 1
                    self.one(name, place, who)
            self.assertEqual(any(" set " in command for command, _ in of), "guard" in name, name)
        self.assertGreaterEqual(ran, 40)

    def one(self, name, place, who):
        instance = self.made(name)
        command, below = self.printed(instance)[place]
        before, both = self.state(instance), " && fsm-cli" in command  # what is set, and the event that it lets through
        self.assertIn("--data " + self.d.data, command)
        env = {**os.environ, "PATH": BUILD + ":" + os.environ["PATH"]}
        if re.search(r"needs: .*role", below):
            self.assertIsNotNone(who, below)
            url = "--url http://127.0.0.1:%d" % self.d.port
            env["FSM_TOKEN"] = token(sub="li", roles=[who])
            first, last = command.split(" && ") if both else ("", command)  # an operator sets, somebody else sends
            last = last.replace("--data " + self.d.data, url, 1)
            command = "env -u FSM_TOKEN %s && %s" % (first, last) if both else last
        done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 0, "%s: %s" % (command, done.stderr))
        if " why " in command:
            self.assertIn("waits for", done.stdout)
        elif both:
            self.assertEqual(self.state(instance)[1:], (["z"], "completed"), command)
        else:
            self.assertNotEqual(self.state(instance), before, command)

    def test_the_first_line_says_it_in_one_sentence(self):
        for name in SITUATIONS:
            first = self.run_cli("why", self.made(name)).split("\n")[0]
            self.assertRegex(first, r"^i\d+ (waits for|is paused|is parked|can never move|refuses)", name)

    def test_stopped_files_say_the_same(self):
        names = [name for name in SITUATIONS if name != "a task"]  # files do not know who serves it
        instances = [self.made(name) for name in names]
        plain = lambda text: re.sub(r"\b\d+(d|h|ms|m|s|µs|ns)( ?\d+(h|m|s))?\b", "T", text).replace(" (you may)", "").replace(" (you may not)", "")
        asked = [plain(self.run_cli("why", i)) for i in instances]
        self.d.stop()
        try:
            files = [plain(self.run_cli("why", i)) for i in instances]
        finally:
            self.d.start()
        for name, a, b in zip(names, asked, files):
            self.assertEqual(a, b, name)


def main():
    if not os.path.exists(CLI):
        print("fsm-cli is not built")
        return 77
    outcome = unittest.main(exit=False)
    return 0 if outcome.result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
