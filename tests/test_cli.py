#!/usr/bin/env python3
"""fsm-cli does what it is told: definitions, starting, sending; and every fault has its exit code.

Exit 77: the programs are not built.
"""
import json
import os
import re
import subprocess
import unittest

from cli_scene import built_or_skip, Case, CLI, DOOR, environment, PATIENCE_S, run, WithDaemon


class Commands(WithDaemon):
    """The happy path of each, and each refusal, through the socket of a running daemon."""

    def test_a_definition_is_deployed_once_and_listed(self):
        again = self.json(*self.here("def", "deploy", self.definition))
        self.assertEqual((again["machine"], again["version"], again["created"]), ("door", 1, False))
        (row,) = self.json(*self.here("def", "ls"))["items"]
        self.assertEqual((row["id"], row["states"], row["hash"]), ("door", 3, again["hash"]))
        table = self.ok(*self.here("def", "ls")).splitlines()
        self.assertEqual(table[0].split(), ["ID", "VERSION", "LIVE", "STATES", "DEPLOYED", "HASH", "DESCRIPTION"])
        self.assertIn("A door that opens once", table[1])

    def test_lint_says_where_or_gives_the_hash(self):
        out = self.ok("def", "lint", self.definition)
        hash_ = self.json(*self.here("def", "ls"))["items"][0]["hash"]
        self.assertRegex(out, f"^{self.definition}: ok: door, 3 states, {hash_}(, 11 notes \\(--severity note shows them\\))\n$")
        broken = os.path.join(self.scratch, "broken.json")
        with open(broken, "w") as f:
            json.dump({**DOOR, "initial": "nowhere"}, f)
        out, err = self.expect(1, "def", "lint", self.definition, broken)
        self.assertTrue(out.splitlines()[1].startswith(f"{broken}: /initial"), out)
        self.assertEqual(err, "")
        out, _ = self.expect(1, "def", "lint", "-o", "json", broken)
        (finding,) = json.loads(out)["items"]
        self.assertEqual((finding["ok"], finding["code"]), (False, "invalid_definition"))
        self.expect(1, "def", "lint", "-", input=b"{")
        _, err = self.expect(1, *self.here("def", "deploy", broken))
        self.assertIn(f"{broken}: /initial", err)

    def test_convert_goes_there_and_back(self):
        scxml = self.ok("def", "convert", self.definition)
        self.assertIn('<scxml xmlns="http://www.w3.org/2005/07/scxml"', scxml)
        path = os.path.join(self.scratch, "door.scxml")
        with open(path, "w") as f:
            f.write(scxml)
        self.assertEqual(self.ok("def", "convert", "-o", "scxml", path), scxml)
        back = json.loads(self.ok("def", "convert", path))
        self.assertEqual(back["id"], "door")
        self.assertEqual(list(back["states"]), list(DOOR["states"]))
        self.assertIn("3 states", self.ok("def", "lint", path))
        _, err = self.expect(2, "def", "convert", "-o", "yaml", self.definition)
        self.assertIn("def convert -o takes json or scxml, not yaml", err)
        _, err = self.expect(1, "def", "convert", "-", input=b'<scxml xmlns="http://www.w3.org/2005/07/scxml"><stat/></scxml>')
        self.assertIn("<stat> is no element of SCXML", err)

    def test_start_takes_id_key_labels_and_input(self):
        got = self.start("s-1", "--key", "K-1", "-l", "a=b", "--label=c=d=e", "--input", "{}", "--corr", "c-1")
        self.assertEqual((got["instance"], got["to"], got["correlation"]), ("s-1", ["closed"], "c-1"))
        doc = self.json(*self.here("get", "door/key:K-1"))
        self.assertEqual((doc["id"], doc["labels"], doc["key"]), ("s-1", {"a": "b", "c": "d=e"}, "K-1"))
        made = self.json(*self.here("start", "door@1"))
        self.assertEqual(len(made["instance"]), 36)
        text = self.ok(*self.here("start", "door", "--id", "s-2"))
        self.assertEqual([line.split(":")[0] for line in text.splitlines()], ["instance", "state", "status", "rev", "seq", "correlation"])

    def test_start_is_refused_with_its_code(self):
        self.start("s-3", "--key", "K-3")
        self.expect(4, *self.here("start", "door", "--id", "s-3"))
        self.expect(4, *self.here("start", "door", "--key", "K-3"))
        _, err = self.expect(3, *self.here("start", "dor"))
        self.assertIn("see: fsm-cli def ls", err)
        self.expect(3, *self.here("start", "door@9"))
        for bad in (("door@x",), ("door", "--label", "novalue"), ("door", "-l", "a=1", "-l", "a=2"), ("door", "--input", "{"), ()):
            self.expect(2, *self.here("start", *bad))

    def test_a_refused_start_does_not_send_people_to_what_is_not_there(self):
        machine = {**DOOR, "id": "picky"}
        machine["schemas"] = {"input": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}, **DOOR["schemas"]}
        path = os.path.join(self.scratch, "picky.json")
        with open(path, "w") as f:
            json.dump(machine, f)
        self.ok(*self.here("def", "deploy", path))
        _, err = self.expect(4, *self.here("start", "picky", "--id", "never-1"))
        self.assertIn("(invalid_data)", err)
        self.assertNotIn("see:", err)
        self.assertNotIn("events", err)

    def test_a_file_that_cannot_be_read_is_two_with_its_path_and_why(self):
        self.start("unread-1")
        absent, folder = os.path.join(self.scratch, "absent.json"), self.scratch
        for path, why in ((absent, "No such file or directory"), (folder, "Is a directory")):
            for args in (
                ("--token-file", path, "ls"),
                ("send", "unread-1", "OPEN", "--data", "@" + path),
                ("start", "door", "--input", "@" + path),
                ("def", "deploy", path),
            ):
                _, err = self.expect(2, *self.here(*args))
                self.assertTrue(err.startswith(f"fsm-cli: {path}: cannot be "), err)
                self.assertIn(why, err.splitlines()[0])
                self.assertNotIn("data directory goes", err)
            out, _ = self.expect(2, "def", "lint", path)
            self.assertRegex(out, f"^{path}: cannot be .*{why}\n$")
            _, err = self.expect(2, "token", "mint", "--key", path, "--sub", "a")
            self.assertIn(path, err)
        self.assertIn("No such file", self.expect(2, "token", "mint", "--key", absent, "--sub", "a")[1])
        self.expect(1, "def", "lint", "/dev/null", absent)
        self.expect(2, "def", "lint", absent, "/dev/null")

    def test_a_bad_key_or_correlation_is_called_by_its_option(self):
        self.start("opt-1")
        for name in ("--idem", "--corr"):
            for value in ("", "x" * 129, "a\nb", "é", " a", "a "):
                _, err = self.expect(2, *self.here("send", "opt-1", "OPEN", name, value))
                self.assertIn(f"{name} takes 1 to 128 printable ASCII", err)
                self.expect(2, *self.here("start", "door", name, value))
            self.ok(*self.here("send", "opt-1", "NOTE", "--data", '{"text": "x"}', name, "x" * 128))
        _, err = self.expect(2, *self.here("def", "deploy", self.definition, "--corr", "a\nb"))
        self.assertIn("--corr takes", err)

    def test_send_by_id_prefix_and_key(self):
        self.start("send-by-0001", "--key", "K-9")
        got = self.json(*self.here("send", "send-by-0", "OPEN"))
        self.assertEqual((got["from"], got["to"]), (["closed"], ["open"]))
        text = self.ok(*self.here("send", "door/key:K-9", "CLOSE"))
        self.assertIn("state:        open → closed\n", text)
        text = self.ok(*self.here("send", "send-by-0001", "NOTE", "--data", '{"text": "hi"}'))
        self.assertIn("state:        closed\n", text)
        self.ok(*self.here("send", "send-by…", "NOTE", "--data", "-"), input=b'{"text": "from stdin"}')
        note = os.path.join(self.scratch, "note.json")
        with open(note, "w") as f:
            f.write('{"text": "from a file"}')
        self.ok(*self.here("send", "send-by-0001", "NOTE", "--data", "@" + note))
        self.assertEqual(self.json(*self.here("get", "send-by-0001"))["context"]["note"], "from a file")

    def test_a_false_guard_is_explained(self):
        self.start("guard-1")
        self.ok(*self.here("send", "guard-1", "OPEN"))
        self.ok(*self.here("send", "guard-1", "CLOSE"))
        _, err = self.expect(4, *self.here("send", "guard-1", "OPEN"))
        self.assertIn("(guard_false)", err)
        self.assertIn("guard: fresh: context.opened < 1\n", err)
        self.assertIn("saw:   context.opened = 1\n", err)
        self.assertIn("see: fsm-cli why guard-1\n", err)
        code, out, err = run(*self.here("send", "guard-1", "OPEN", "-o", "json"))
        problem = json.loads(err)
        self.assertEqual((code, out, problem["code"]), (4, "", "guard_false"))
        self.assertEqual(problem["refusal"]["candidates"][0]["guard_name"], "fresh")

    def test_every_other_refusal_has_its_exit_code(self):
        self.start("ref-1")
        for code, args, word in (
            (4, ("ref-1", "CLOSE"), "no_transition"),
            (4, ("ref-1", "JUMP"), "unknown_event"),
            (4, ("ref-1", "NOTE", "--data", '{"text": 1}'), "invalid_data"),
            (4, ("ref-1", "OPEN", "--expect-rev", "7"), "stale"),
            (3, ("absent", "OPEN"), "unknown_instance"),
            (3, ("door/key:absent", "OPEN"), "unknown_instance"),
            (3, ("nodoor/key:x", "OPEN"), "unknown_machine"),
        ):
            _, err = self.expect(code, *self.here("send", *args))
            self.assertIn(f"({word})", err)
        for args in (("ref-1",), ("ref-1", "OPEN", "x"), ("ref-1", "OPEN", "--data", "{"), ("ref-1", "OPEN", "--expect-rev", "x"), ("", "OPEN"), ("ref-1", "OPEN", "--corr", "a\nb")):
            self.expect(2, *self.here("send", *args))
        _, err = self.expect(2, *self.here("send", "ref-1", "OPEN", "--data", self.data))
        self.assertIn("before the command", err)
        self.start("ref-2")
        _, err = self.expect(3, *self.here("send", "ref-", "OPEN"))
        self.assertIn("(ambiguous)", err)
        self.ok(*self.here("send", "ref-2", "LEAVE"))
        _, err = self.expect(4, *self.here("send", "ref-2", "LEAVE"))
        self.assertIn("(completed)", err)
        self.assertIn("see: fsm-cli log ref-2", err)

    def test_a_key_makes_a_command_repeatable(self):
        self.start("idem-1")
        first = self.json(*self.here("send", "idem-1", "OPEN", "--idem", "k-1", "--expect-rev", "1"))
        again = self.ok(*self.here("send", "idem-1", "OPEN", "--idem", "k-1", "--expect-rev", "1"))
        self.assertIn(f"seq:          {first['seq']}\n", again)
        self.assertIn("replayed:     yes", again)
        _, err = self.expect(4, *self.here("send", "idem-1", "CLOSE", "--idem", "k-1"))
        self.assertIn("(duplicate)", err)


class Usage(Case):
    """What is wrong before anybody is asked."""

    def test_help_comes_from_the_entries(self):
        everything = self.ok("--help")
        for line in everything.splitlines():
            self.assertLessEqual(len(line), 80, line)
        commands = re.findall(r"^  ([a-z-]+(?: [a-z-]+)?) ", everything.partition("fsm-cli help TOPIC")[0], re.M)
        commands = [command if command.split()[0] in ("def", "token", "db", "route", "outbox", "task", "timer", "audit") else command.split()[0] for command in commands]
        self.assertGreater(len(commands), 30)
        for command in commands:
            page = self.ok(*command.split(), "--help")
            self.assertTrue(page.startswith(f"fsm-cli {command}: "), page)
            self.assertIn(f"usage: fsm-cli {command}", page)
            self.assertIn("examples:\n", page)
            self.assertEqual(self.ok("help", *command.split()), page)
            for line in page.splitlines():
                self.assertLessEqual(len(line), 80, line)
        self.assertIn("def lint", self.ok("def", "--help"))
        _, err = self.expect(2)
        self.assertIn("Find: ", err)
        self.expect(2, "def")

    def test_version(self):
        self.assertRegex(self.ok("--version"), r"^fsm-cli \d+\.\d+\.\d+\nbuild: .*\nformats: .*\nlibraries: .*libcurl ")
        self.ok("ls", "--version")

    def test_what_is_only_for_urls_is_not_loaded_with_it(self):
        needed = subprocess.run(["ldd", CLI], check=True, capture_output=True, text=True).stdout
        self.assertIn("liblmdb", needed)
        self.assertNotIn("libcurl", needed)

    def test_a_slip_is_answered_with_what_was_meant(self):
        for args, meant in ((("sned",), "send"), (("lint",), "def lint"), (("mint",), "token mint"), (("def", "lnt"), "def lint"), (("ls", "--sate", "x"), "--state"), (("tokn",), "token")):
            _, err = self.expect(2, *args)
            self.assertIn(f"did you mean {meant}?", err)

    def test_lint_tells_what_cannot_be_deployed(self):
        inner = "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' initial='x'><state id='x'/></scxml>"
        definition = f"<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' name='p' datamodel='ecmascript' initial='a'><state id='a'><invoke id='kid'><content>{inner}</content></invoke></state></scxml>"
        done = subprocess.run([CLI, "def", "lint", "-"], input=definition.encode(), capture_output=True, env=environment())
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertEqual(done.stdout, b"stdin: 1:120: cannot be deployed: a machine inside a machine is not started as a durable instance: deploy it and name it\n")

    def test_wrong_use_is_two(self):
        for args in (("frob",), ("ls", "--frob"), ("ls", "x"), ("ls", "-o", "xml"), ("ls",), ("get",), ("--timeout", "x", "--data", "/", "ls"), ("--timeout", "0s", "--data", "/", "ls"), ("--url", "ftp://x", "ls"), ("ls", "-m"), ("ls", "-m", "a", "-m", "b"), ("--socket", "/" + "a" * 200, "ls")):
            _, err = self.expect(2, *args)
            self.assertTrue(err.startswith("fsm-cli: "), err)

    def test_nobody_there_is_nine(self):
        _, err = self.expect(9, "--socket", "/nonexistent/fsmd.sock", "ls")
        self.assertTrue(err.startswith("fsm-cli: /nonexistent/fsmd.sock: nobody listens there (No such file or directory)"), err)
        self.assertNotIn("localhost", err)
        self.assertIn("is fsmd running?", err)
        self.expect(9, "--url", "http://127.0.0.1:1", "ls")

    def test_a_full_disk_under_stdout_is_told(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([CLI, "--help"], stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"stdout", done.stderr)


if __name__ == "__main__":
    built_or_skip()
    unittest.main(verbosity=2)
