#!/usr/bin/env python3
"""fsm-cli's habits: the forms of -o, profiles and the environment, labels, help, completion, check; documents as
the interface has them. Terminals: test_cli_screen.py.

Exit 77: the programs are not built.
"""
import csv
import io
import itertools
import json
import os
import pty
import re
import shlex
import shutil
import sys
import tempfile
import time
import unittest

import cli_scene as base
from cli_scene import CLI, environment, run
from cli_terminal import Terminal

FOOTER = re.compile(r"^\d+ [a-z]+ · \d+ ms · as of seq \d+( · there are more: .*)?\n$")


class Forms(base.WithDaemon):
    """-o: what is printed in each, of lists and of one document; the line below."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in range(7):
            code, _, err = run("--data", cls.data, "start", "door", "--id", "d-%d" % i, "--key", 'K,"%d"' % i)
            assert code == 0, err

    def list(self, *args):
        return self.expect(0, *self.here("ls", *args))

    def test_a_list_is_the_same_items_in_every_form(self):
        document = json.loads(self.list("-o", "json")[0])
        ids = [item["id"] for item in document["items"]]
        self.assertEqual(len(ids), 7)
        self.assertEqual(self.list("-o", "id")[0].split(), ids)
        self.assertEqual([json.loads(line)["id"] for line in self.list("-o", "jsonl")[0].splitlines()], ids)
        self.assertEqual([line.split()[0] for line in self.list()[0].splitlines()[1:]], ids)

    def test_csv_has_names_that_stay_and_values_that_are_numbers(self):
        rows = list(csv.DictReader(io.StringIO(self.list("-o", "csv")[0])))
        self.assertEqual([row["key"] for row in rows], ['K,"%d"' % i for i in range(7)])
        self.assertEqual({row["state"] for row in rows}, {"closed"})
        self.assertTrue(all(int(row["for_ns"]) > 0 for row in rows), rows)

    def test_only_a_table_has_a_footer_and_q_takes_it_away(self):
        for form in ("json", "jsonl", "csv", "id"):
            self.assertEqual(self.list("-o", form)[1], "", form)
        for form in ("table", "wide"):
            self.assertRegex(self.list("-o", form)[1], FOOTER)
        self.assertRegex(self.list("--limit", "1")[1], r"^1 instance · \d+ ms · as of seq \d+ · there are more: ")
        self.assertEqual(self.list("-q")[1], "")

    def test_one_document_has_forms_too(self):
        self.assertEqual(self.ok(*self.here("get", "d-3", "-o", "id")), "d-3\n")
        (row,) = csv.DictReader(io.StringIO(self.ok(*self.here("get", "d-3", "-o", "csv"))))
        self.assertEqual((row["id"], row["state"], json.loads(row["context"])["opened"]), ("d-3", "closed", 0))
        self.assertEqual(json.loads(self.ok(*self.here("get", "d-3", "-o", "jsonl")))["id"], "d-3")

    def test_a_form_that_makes_no_sense_is_refused_with_those_that_do(self):
        self.assertIn("-o takes table, json or jsonl here, not csv", self.expect(2, *self.here("health", "-o", "csv"))[1])
        self.assertIn("-o takes table, wide, json, jsonl, csv, id or tree, not yaml", self.expect(2, *self.here("ls", "-o", "yaml"))[1])
        self.assertIn("-o jsonl", self.expect(2, *self.here("log", "d-1", "--full", "-o", "csv"))[1])

    def test_wide_cuts_nothing_on_a_narrow_terminal(self):
        code, out = base.run_in_terminal(30, *self.here("ls", "-o", "wide", "-q"))
        self.assertEqual(code, 0)
        self.assertIn('K,"3"', out)
        self.assertNotIn('K,"3"', base.run_in_terminal(30, *self.here("ls", "-q"))[1])


class Settings(base.WithDaemon):
    """Profiles, the environment, and which of them wins."""

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="fsm-cli-")
        self.addCleanup(shutil.rmtree, self.home)
        self.profiles = os.path.join(self.home, ".config", "fsmd", "profiles.d")
        os.makedirs(self.profiles)
        self.env = {"HOME": self.home, "XDG_CONFIG_HOME": ""}

    def profile(self, name, text, mode=0o600):
        path = os.path.join(self.profiles, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def fails(self, code, *args, **env):
        return self.expect(code, *args, env={**self.env, **env})[1]

    def test_a_profile_says_where_and_how(self):
        self.profile("here", "# the test's\n\n  data = %s  \noutput=json\n" % self.data)
        self.assertIn("items", json.loads(self.ok("-p", "here", "ls", env=self.env)))
        self.assertIn("items", json.loads(self.ok("ls", env={**self.env, "FSM_PROFILE": "here"})))
        self.assertIn("ID", self.ok("-p", "here", "ls", "-o", "table", env=self.env))
        # a form that a command does not have is no fault of the command line
        self.profile("rows", "data = %s\noutput = csv\n" % self.data)
        self.assertIn("status:", self.ok("-p", "rows", "health", env=self.env))

    def test_an_option_wins_over_a_profile_and_that_over_the_environment(self):
        away = os.path.join(self.home, "away")
        self.profile("here", "data = %s\n" % self.data)
        self.profile("away", "data = %s\n" % away)
        self.ok("-p", "here", "ls", env={**self.env, "FSM_DB": away})
        self.assertIn(away, self.fails(3, "-p", "away", "ls", FSM_DB=self.data))
        self.ok("-p", "away", "--data", self.data, "ls", env=self.env)
        # nobody asked for `default`: the environment is nearer
        self.profile("default", "data = %s\n" % away)
        self.ok("ls", env={**self.env, "FSM_DB": self.data})
        self.assertIn(away, self.fails(3, "ls"))

    def test_the_environment_names_a_directory_or_an_address(self):
        self.ok("ls", env={**self.env, "FSM_DB": self.data})
        self.ok("ls", env={**self.env, "FSM_DATA": self.data})
        token = self.ok("token", "mint", "--key", self.key, "--sub", "ana").strip()
        self.ok("ls", env={**self.env, "FSM_URL": self.url, "FSM_TOKEN": token})
        self.assertIn("both set", self.fails(2, "ls", FSM_URL=self.url, FSM_DB=self.data))
        self.assertIn("$FSM_DB", self.fails(2, "ls"))

    def test_a_slip_in_a_profile_is_told_with_its_line(self):
        for text, line, words in (
            ("url = x\nuotput = json\n", 2, "did you mean output?"),
            ("\n\nlonely\n", 3, "a line is name = value"),
            ("url = x\nurl = y\n", 2, "url is given twice"),
            ("url =\n", 1, "the value is empty"),
            ('url = "http://x"\n', 1, "without quotes"),
            ("url = http://x # home\n", 1, "a line of its own"),
            ("data = here\n", 1, "begins with / or ~/"),
            ("quiet = yes\n", 1, "quiet is on or off"),
            ("token = secret\n", 1, "there is no such setting"),
            ("help = on\n", 1, "there is no such setting"),
            ("url = a\x1bb\n", 1, "control character"),
        ):
            path = self.profile("slip", text)
            err = self.fails(2, "-p", "slip", "ls")
            self.assertIn("%s:%d: " % (path, line), err, text)
            self.assertIn(words, err)
            self.assertNotIn("secret", err)

    def test_a_profile_that_others_may_write_is_not_believed(self):
        path = self.profile("loose", "data = %s\n" % self.data, 0o620)
        self.assertIn(path, self.fails(5, "-p", "loose", "ls"))

    def test_a_profile_that_is_not_there_is_told(self):
        self.profile("prod", "data = %s\n" % self.data)
        self.assertIn("did you mean prod?", self.fails(2, "-p", "prdo", "ls"))
        self.assertIn("url = http://", self.fails(2, "-p", "elsewhere", "ls"))
        self.assertIn("-p takes a name", self.fails(2, "-p", "../prod", "ls"))

    def test_a_home_in_a_path(self):
        os.symlink(self.data, os.path.join(self.home, "data"))
        self.profile("home", "data = ~/data\n")
        self.ok("-p", "home", "ls", env=self.env)


class Labels(base.WithDaemon):
    """States are called as the definition calls them, for whoever reads a table."""

    MACHINE = {
        "id": "visit",
        "@exprLang": "cel",
        "meta": {"label": {"en": "Visit", "de": "Besuch"}},
        "schemas": {"events": {"CALL": {"type": "object", "title": "Call", "x-title": {"de": "Aufruf"}}}},
        "initial": "waiting",
        "states": {
            "waiting": {"meta": {"label": {"en": "In the waiting room", "de": "Im Wartezimmer", "de-AT": "Im Warteraum", "ja": "待合室"}}, "on": {"CALL": "busy"}},
            "busy": {"type": "parallel", "meta": {"label": "Busy"}, "states": {
                "talk": {"initial": "on", "states": {"on": {"meta": {"label": {"fr": "Entretien"}}}}},
                "tea": {"initial": "hot", "states": {"hot": {}}}}},
        },
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = os.path.join(cls.scratch, "visit.json")
        with open(path, "w") as file:
            json.dump(cls.MACHINE, file)
        for args in (("def", "deploy", path), ("start", "visit", "--id", "v-1"), ("start", "visit", "--id", "v-2", "--corr", "labels-7"), ("send", "v-2", "CALL", "--corr", "labels-7"), ("start", "door", "--id", "d-1")):
            code, _, err = run("--data", cls.data, *args)
            assert code == 0, err

    def states(self, *args, **env):
        lines = self.ok(*self.here("ls", *args), env=env).splitlines()
        return [re.split(r"  +", line[lines[0].index("STATE"):])[0] for line in lines[1:]]

    def test_the_reader_s_language_decides_then_english_then_any(self):
        wait = {"de_DE.UTF-8": "Im Wartezimmer", "de_AT.UTF-8@euro": "Im Warteraum", "ja": "待合室", "sv_SE": "In the waiting room"}
        for lang, text in wait.items():
            self.assertEqual(self.states(LANG=lang), [text, "Entretien, busy.tea.hot", "closed"])
            self.assertEqual(self.states("--lang", lang, LANG="fr_FR")[0], text)
        self.assertEqual(self.states(LANG="fr", LC_MESSAGES="de", LC_ALL="ja")[0], "待合室")
        self.assertEqual(self.states(LANG="fr", LC_MESSAGES="de", LC_ALL="")[0], "Im Wartezimmer")

    def test_names_are_what_programs_get_and_whoever_wants_them(self):
        names = ["waiting", "busy.talk.on, busy.tea.hot", "closed"]
        for lang in ("C", "C.UTF-8", "POSIX", ""):
            self.assertEqual(self.states(LANG=lang), names, lang)
        self.assertEqual(self.states("--lang", "none", LANG="de"), names)
        self.assertEqual(self.states("-o", "wide", LANG="de"), names)
        self.assertIn("waiting", self.ok(*self.here("ls", "-o", "csv"), env={"LANG": "de"}))
        self.assertEqual(json.loads(self.ok(*self.here("ls", "-o", "json"), env={"LANG": "de"}))["items"][0]["state"], ["waiting"])

    def test_one_instance_has_both(self):
        self.assertRegex(self.ok(*self.here("get", "v-1"), env={"LANG": "de"}), r"\nstate: +waiting \(Im Wartezimmer\) for ")
        self.assertRegex(self.ok(*self.here("get", "v-1"), env={"LANG": "C"}), r"\nstate: +waiting for ")
        self.assertIn("Entretien", self.ok(*self.here("events", "v-2"), env={"LANG": "de"}))

    def test_figures_and_trees_call_states_so_too(self):
        de = {"LANG": "de"}
        for args in (("stats", "-m", "visit", "--by", "state"), ("funnel", "visit"), ("heat", "visit"), ("trace", "labels-7")):
            text = self.ok(*self.here(*args), env=de)
            self.assertIn("Im Wartezimmer", text, args)
            self.assertIn("Entretien", text, args)
            self.assertNotIn("waiting", text, args)
            self.assertNotIn("Wartezimmer", self.ok(*self.here(*args), env={"LANG": "C"}), args)
        self.assertIn("Im Wartezimmer → Entretien, busy.tea.hot", self.ok(*self.here("trace", "labels-7"), env=de))
        self.assertIn("Aufruf", self.ok(*self.here("stats", "--by", "event"), env=de))
        for args in (("stats", "--by", "state"), ("funnel", "visit")):
            for form in ("wide", "csv", "jsonl"):
                self.assertIn("waiting", self.ok(*self.here(*args, "-o", form), env=de), args)
        self.assertIn("waiting", self.ok(*self.here("heat", "visit", "--format", "dot"), env=de))  # a drawing is the same for all

    def test_files_of_a_stopped_daemon_say_the_same(self):
        before = self.states(LANG="de")
        self.daemon.stop()
        after = self.states(LANG="de")
        type(self).daemon = base.Daemon(self.data, *self.daemon.args)
        self.assertEqual(after, before)


class Help(base.Case):
    """What the entries say of themselves."""

    @classmethod
    def setUpClass(cls):
        cls.all = run("help")[1]
        listed = cls.all.partition("fsm-cli help TOPIC")[0]
        names = [re.split(r"  +", line.strip())[0] for line in listed.splitlines() if re.match(r"  \S", line)]
        cls.pages = {name: run("help", *name.split())[1] for name in names}

    @staticmethod
    def examples(page):
        """As a person would type them: in one line."""
        page = page.replace("\\\n", " ")
        return [line.strip() for line in page.split("\nexamples:\n")[1].strip().splitlines()] if "\nexamples:\n" in page else []

    def test_help_is_the_same_wherever_it_is_asked_for(self):
        self.assertEqual(self.ok("--help"), self.all)
        self.assertEqual(self.ok("def", "graph", "--help"), self.pages["def graph"])
        self.assertEqual(self.ok("def", "-h", "graph"), self.pages["def graph"])
        self.assertEqual(self.ok("help", "def"), self.ok("def", "--help"))

    def test_every_command_has_examples_and_each_can_be_read(self):
        self.assertGreater(len(self.pages), 50)
        for name, page in self.pages.items():
            self.assertGreater(len(self.examples(page)), 0, "%s has no example" % name)
            for example in self.examples(page):
                parts = [list(part) for bar, part in itertools.groupby(shlex.split(example), lambda word: word in ("|", ">")) if not bar]
                parts = [part for part in parts if part[0] == "fsm-cli"]
                self.assertTrue(any(set(name.split()) <= set(part) for part in parts), "%s is no example of %s" % (example, name))
                for part in parts:
                    code, _, err = run("__parse", *part[1:])
                    self.assertEqual(code, 0, example + "\n" + err)

    def test_what_cannot_be_read_is_told_so(self):
        self.assertEqual(run("__parse", "ls", "--nothing")[0], 2)
        self.assertEqual(run("__parse", "get")[0], 2)
        self.assertEqual(run("__parse", "stuck", "-o", "tree")[0], 2)

    def test_help_fits_on_a_narrow_screen(self):
        topics = re.findall(r"^  ([a-z-]+) ", self.all.partition("help TOPIC:\n")[2].partition("\n\n")[0], re.M)
        self.assertGreater(len(topics), 4)
        headings = [title.split()[0].lower() for title in re.findall(r"^([A-Z][a-z ]+): ", self.all, re.M)]
        self.assertGreater(len(headings), 7)
        for page in [self.all, *self.pages.values(), *(self.ok("help", word) for word in topics + headings)]:
            for line in page.split("\nexamples:\n")[0].splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_the_manual_page_has_every_command_and_example(self):
        manual = self.ok("help", "man").replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")
        for name, page in self.pages.items():
            self.assertIn("\n.SS " + name, manual)
            for example in self.examples(page):
                self.assertIn(re.split(r"  +", example)[0], manual)


class Completion(base.WithDaemon):
    """bash asks fsm-cli what may stand next; zsh and fish ask the same."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in ("doc-1", "doc-2", "lease-7"):
            code, _, err = run("--data", cls.data, "start", "door", "--id", i)
            assert code == 0, err

    def next(self, *words, **env):
        return self.ok("__complete", *words, env=env).split()

    def here_next(self, *words):
        return self.next("--data", self.data, *words)

    def test_names_and_options_come_from_the_entries(self):
        self.assertEqual(self.next("stu"), ["stuck"])
        self.assertEqual(self.next("def", "gr"), ["graph"])
        self.assertEqual(self.next("help", "def", "gr"), ["graph"])
        self.assertIn("def", self.next(""))
        self.assertEqual(self.next("send", "x", "OPEN", "--id"), ["--idem"])
        self.assertEqual(self.next("ls", "--stat"), ["--state", "--status"])
        self.assertEqual(self.next("nothing", "x"), [])
        self.assertEqual(self.next("ls", "--", "-"), [])

    def test_values_by_what_they_are(self):
        self.assertEqual(self.next("ls", "-o", "j"), ["json", "jsonl"])
        self.assertEqual(self.next("ls", "--output", "=", "c"), ["csv"])
        self.assertEqual(self.next("ls", "--output=c"), ["--output=csv"])
        self.assertEqual(self.next("health", "-o", ""), ["table", "json", "jsonl"])
        self.assertEqual(self.next("def", "graph", "-o", ""), ["mermaid", "dot", "svg"])
        self.assertEqual(self.next("ls", "--status", "pa"), ["paused"])
        self.assertEqual(self.next("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.next("def", "lint", ""), [":files"])
        self.assertEqual(self.next("def", "lint", "a", "b", ""), [":files"])
        self.assertEqual(self.next("--data", ""), [":files"])

    def test_what_there_is_is_asked_of_the_daemon(self):
        self.assertEqual(self.here_next("get", ""), ["doc-1", "doc-2", "lease-7"])
        self.assertEqual(self.here_next("get", "doc"), ["doc-1", "doc-2"])
        self.assertEqual(self.here_next("start", ""), ["door"])
        self.assertEqual(self.here_next("ls", "-m", "d"), ["door"])
        self.assertEqual(self.here_next("ls", "-m", "door", "-s", ""), ["closed"])
        self.assertEqual(sorted(self.here_next("send", "doc-1", "")), ["LEAVE", "NOTE", "OPEN"])
        self.assertEqual(self.next("get", "doc", FSM_DB=self.data), ["doc-1", "doc-2"])
        # bash has cut the word at the colon: what follows is completed
        self.assertEqual(self.here_next("get", "lease", ":", ""), [])

    def test_nobody_there_is_no_fault_and_files_are_left_alone(self):
        self.assertEqual(self.next("--data", "/nonexistent", "get", ""), [])
        self.assertEqual(self.next("get", ""), [])
        self.daemon.stop()
        self.assertEqual(self.here_next("get", ""), [])
        type(self).daemon = base.Daemon(self.data, *self.daemon.args)

    def test_profiles_are_named(self):
        os.makedirs(os.path.join(self.scratch, "p"), exist_ok=True)
        for name in ("prod", "proof", "test"):
            open(os.path.join(self.scratch, "p", name), "w").close()
        self.assertEqual(sorted(self.next("-p", "pro", FSM_PROFILES=os.path.join(self.scratch, "p"))), ["prod", "proof"])

    @unittest.skipUnless(shutil.which("bash"), "there is no bash")
    def test_in_bash_a_tab_completes(self):
        script = os.path.join(self.scratch, "completion.bash")
        with open(script, "w") as file:
            file.write(self.ok("completion", "bash"))
        os.makedirs(os.path.join(self.scratch, "files"), exist_ok=True)
        open(os.path.join(self.scratch, "files", "some-machine.json"), "w").close()
        env = {**environment(), "PATH": base.BUILD + ":" + os.environ["PATH"], "FSM_DB": self.data, "PS1": "$ ", "HISTFILE": "", "INPUTRC": "/dev/null"}
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(os.path.join(self.scratch, "files"))
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], env)
        screen = Terminal.__new__(Terminal)
        screen.pid, screen.fd, screen.data = pid, fd, b""
        screen.resize(200, 24)
        screen.send(b"bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; . %s\n" % script.encode())
        for typed, wanted in (
            (b"fsm-cli stu\t", "fsm-cli stuck "),
            (b"fsm-cli get lea\t", "fsm-cli get lease-7 "),
            (b"fsm-cli get do\t", "fsm-cli get doc-"),
            (b"fsm-cli ls --output=cs\t", "fsm-cli ls --output=csv"),
            (b"fsm-cli def lint some\t", "fsm-cli def lint some-machine.json "),
            (b"fsm-cli send doc-1 OP\t", "fsm-cli send doc-1 OPEN "),
        ):
            screen.send(b"\x15echo at-the-beg''inning\n")
            screen.until("at-the-beginning\r?\n")
            screen.send(typed)
            screen.until(re.escape(wanted))
        screen.send(b"\x15exit\n")
        screen.end()


class Check(base.WithDaemon):
    """One line for a monitor, and its exit status, whatever happens."""

    PERFDATA = re.compile(r"^FSMD (OK|WARNING|CRITICAL): [^|\n]+ \| seq=\d+c( [a-z_]+=[0-9.]+(%|s|B)?;[0-9]*:?;[0-9]*:?;0(;100)?)+\n$")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in range(3):
            code, _, err = run("--data", cls.data, "start", "door", "--id", "d-%d" % i)
            assert code == 0, err

    def check(self, code, *args):
        got, out, err = run(*self.here("check", *args))
        self.assertEqual((got, err), (code, ""), out)
        self.assertEqual(out.count("\n"), 1)
        return out

    def test_all_is_well(self):
        self.assertRegex(self.check(0), self.PERFDATA)
        self.assertIn("disk=", self.check(0))
        self.assertNotIn("stuck=", self.check(0))

    def test_each_threshold_tells_at_its_edge(self):
        time.sleep(0.01)
        for warn, critical, code, word in (("3", "4", 1, "WARNING: stuck 3 "), ("4", "5", 0, "OK"), ("1", "3", 2, "CRITICAL: stuck 3 "), ("never", "4", 0, "OK"), ("never", "never", 0, "OK")):
            out = self.check(code, "--for", "1ms", "--warn", "stuck=" + warn, "--critical", "stuck=" + critical)
            self.assertIn(word, out)
            self.assertRegex(out, self.PERFDATA)
        self.assertIn("stuck=0;", self.check(0, "--for", "1ms", "-s", "open"))
        self.assertIn("disk ", self.check(2, "--critical", "disk=1000000G"))
        self.assertIn("disk ", self.check(1, "--warn", "disk=1000000G"))
        self.check(2, "--critical", "incidents=0")
        self.check(1, "--warn", "map=0")
        for name in ("outbox_lag", "parked", "overdue", "oldest_view"):
            self.assertIn("WARNING: %s 0" % name, self.check(1, "--warn", name + "=0"))

    def test_the_same_as_a_document(self):
        got, out, _ = run(*self.here("check", "--critical", "incidents=0", "-o", "json"))
        document = json.loads(out)
        self.assertEqual((got, document["status"], document["texts"]), (2, "critical", ["incidents 0"]))
        by_name = {item["name"]: item for item in document["items"]}
        self.assertEqual(by_name["incidents"]["status"], "critical")
        self.assertEqual({item["status"] for name, item in by_name.items() if name != "incidents"}, {"ok"})

    def test_wrong_use_is_unknown(self):
        for args, words in (
            (("--nothing",), "no such option"),
            (("--warn", "stuk=1"), "NAME is stuck, incidents"),
            (("--warn", "stuck"), "NAME=VALUE"),
            (("--warn", "stuck=x"), "is no number"),
            (("--warn", "stuck=-1"), "is no number"),
            (("--warn", "stuck="), "is no number"),
            (("--critical", "disk=1GB"), "is no number"),
            (("--for", "x"), "for"),
            (("-m", "nothing", "--for", "1s"), "nothing"),
            (("word",), "one too many"),
        ):
            out = self.check(3, *args)
            self.assertTrue(out.startswith("FSMD UNKNOWN: ") and words in out, out)
        self.assertEqual(run("check")[0], 3)

    def test_nobody_there_is_critical_and_a_token_that_is_not_taken_unknown(self):
        code, out, _ = run("--url", "http://127.0.0.1:1", "check")
        self.assertEqual((code, out.split(":")[0]), (2, "FSMD CRITICAL"))
        code, out, _ = run("--url", self.url, "check", "--for", "1ms", env={"FSM_TOKEN": "wrong"})
        self.assertEqual((code, out.split(":")[0]), (3, "FSMD UNKNOWN"), out)
        self.daemon.stop()
        self.assertIn("no daemon runs there", self.check(2))
        type(self).daemon = base.Daemon(self.data, *self.daemon.args)
        self.check(0)

    def test_a_daemon_that_is_not_ready_or_refuses_is_critical(self):
        metrics = (200, b'fsm_up 0\nfsm_store_map_bytes 100\nfsm_store_used_bytes 96\nfsm_sink_lag_records{sink="a\\"}b"} 7\n'
                        b'fsm_sink_halted{sink="a\\"}b"} 1\nfsm_timers_overdue 3\nno line\n{\n')
        ready = (503, {"status": "failing", "checks": [{"name": "disk", "status": "failing", "detail": "no room"}, {"name": "store", "status": "ok"}]})
        health = (200, {"status": "failing", "seq": 7, "incidents": 0, "free_bytes": 2**40, "oldest_view_ns": 0, "refusing": "full"})
        with base.lying({"/readyz": ready, "/healthz": health, "/metrics": metrics}) as socket:
            code, out, _ = run("--socket", socket, "check")
        self.assertEqual((code, out.split(" | ")[0]), (2, 'FSMD CRITICAL: not ready: disk: no room, commands are refused: full, sink a"}b has stopped, map 96%'))
        self.assertRegex(out, self.PERFDATA)
        self.assertIn(" outbox_lag=7;", out)
        self.assertIn(" overdue=3;", out)
        with base.lying({"/readyz": (200, {}), "/healthz": health, "/metrics": (200, b"")}) as socket:
            code, out, _ = run("--socket", socket, "check")
        self.assertEqual((code, "is that a fsmd?" in out), (2, True), out)


class Schemas(base.WithDaemon):
    """-o json is the document of the HTTP interface, as schema/openapi.json has it: of a daemon, and of its files."""

    # what is asked, the operation whose document it is, is it to be asked of the files too
    READS = (
        (("ls",), "get", "/v1/instances", True),
        (("ls", "--limit", "2"), "get", "/v1/instances", True),
        (("ls", "--all", "-m", "door"), "get", "/v1/instances", True),
        (("stuck", "--for", "1ms"), "get", "/v1/stuck", True),
        (("get", "d-1"), "get", "/v1/instances/{ref}", True),
        (("events", "d-1"), "get", "/v1/instances/{ref}/events", True),
        (("why", "d-1"), "get", "/v1/instances/{ref}/why", True),
        (("log", "d-1"), "get", "/v1/instances/{ref}/history", True),
        (("def", "ls"), "get", "/v1/machines", True),
        (("health",), "get", "/healthz", False),
        (("route", "ls"), "get", "/v1/routes", True),
        (("route", "ls", "all"), "get", "/v1/routes/{name}", True),
        (("outbox", "ls"), "get", "/v1/sinks", False),
        (("outbox", "lag"), "get", "/v1/sinks", False),
        (("db", "stat"), "get", "/v1/db/stat", False),
        (("task", "ls"), "get", "/v1/tasks", True),
        (("timer", "ls"), "get", "/v1/timers", True),
        (("search", "d-1"), "get", "/v1/search", True),
        (("audit", "verify"), "post", "/v1/verify", False),
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            import openapi_document
        except ImportError:
            raise unittest.SkipTest("python3-jsonschema is not there")
        cls.document = openapi_document.Document().load()
        for i in range(5):
            code, _, err = run("--data", cls.data, "start", "door", "--id", "d-%d" % i, "-k", "K-%d" % i, "-l", "a=b")
            assert code == 0, err
        for args in (("send", "d-1", "OPEN"), ("send", "d-1", "OPEN"), ("route", "set", "all", "-k", "transition", "-s", "nobody", "--reason", "x")):
            run("--data", cls.data, *args)

    def schema(self, path, method, status):
        response = self.document.resolve(self.document.raw["paths"][path][method]["responses"][str(status)])
        (media,) = response["content"].values()
        return self.document.schema(media["schema"])

    def valid(self, text, path, method, status, what):
        import jsonschema
        errors = list(jsonschema.Draft202012Validator(self.schema(path, method, status)).iter_errors(json.loads(text)))
        self.assertEqual([(list(e.absolute_path), e.message[:300]) for e in errors], [], what)

    def test_what_is_read(self):
        known = []
        for args, method, path, files in self.READS:
            code, out, err = run(*self.here(*args, "-o", "json"))
            if "no such" in err or code == 3 and args[0] == "route":
                continue  # a route needs a sink that is there
            self.assertEqual((code, err), (0, ""), args)
            self.valid(out, path, method, 200, args)
            known.append(args)
        self.assertGreater(len(known), 15)
        self.daemon.stop()
        for args, method, path, files in self.READS:
            if files and args in known:
                code, out, err = run(*self.here(*args, "-o", "json"))
                self.assertEqual((code, err), (0, ""), args)
                self.valid(out, path, method, 200, ("of files", *args))
        type(self).daemon = base.Daemon(self.data, *self.daemon.args)

    def test_what_is_done(self):
        for args, method, path, status in (
            (("def", "deploy", self.definition), "post", "/v1/machines", 200),
            (("start", "door", "--id", "s-1"), "post", "/v1/instances", 201),
            (("send", "s-1", "OPEN"), "post", "/v1/instances/{ref}/events", 200),
            (("pause", "s-1", "--reason", "x"), "post", "/v1/instances/{ref}/pause", 200),
            (("resume", "s-1", "--reason", "x"), "post", "/v1/instances/{ref}/resume", 200),
            (("note", "s-1", "seen"), "post", "/v1/instances/{ref}/note", 200),
        ):
            code, out, err = run(*self.here(*args, "-o", "json"))
            self.assertEqual((code, err), (0, ""), (args, out))
            self.valid(out, path, method, status, args)

    def test_what_goes_wrong_is_a_problem_document(self):
        for args, code, path, method, status in (
            (("get", "nobody"), 3, "/v1/instances/{ref}", "get", 404),
            (("send", "d-2", "NOTHING"), 4, "/v1/instances/{ref}/events", "post", 422),
        ):
            got, out, err = run(*self.here(*args, "-o", "json"))
            self.assertEqual((got, out), (code, ""), err)
            self.valid(err, path, method, status, args)

    def test_a_line_of_jsonl_is_an_item(self):
        import jsonschema
        items = self.schema("/v1/instances", "get", 200)
        lines = self.ok(*self.here("ls", "-o", "jsonl")).splitlines()
        whole = json.loads(self.ok(*self.here("ls", "-o", "json")))
        whole["items"] = [json.loads(line) for line in lines]
        self.assertEqual(list(jsonschema.Draft202012Validator(items).iter_errors(whole)), [])


if __name__ == "__main__":
    if not os.path.exists(CLI):
        sys.exit(77)
    unittest.main(verbosity=2)
