#!/usr/bin/env python3
"""What a tab puts on the line in bash, zsh and fish, on terminals of their own: the line is then run, and what fsm-cli gets
is what was meant, whatever ids, states, events and files are called; nothing of a name is ever executed.

Exit 77: the programs are not built. A shell that is not here is skipped.
"""
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
import unittest

import cli_scene as base
from cli_terminal import Terminal
from cli_scene import CLI, PATIENCE_S, environment, run

RUNS = "touch PWNED"
EVENTS = ["two words", "it's", 'say "x"', f"$({RUNS})", f"`{RUNS}`", f"; {RUNS}", f"&{RUNS}", f">{RUNS}", "*", "~", "!1", "w\\b", "{a,b}", "é ü", "#c", "[x", "y=z", "a:b c",
          "%s", "?q", "^h", "-x", f"new\n{RUNS}", "tab\tx", "bi\u202edi", "\x1b]0;x\x07"]  # fmt: skip
UNSEEN = [e for e in EVENTS if any(c in "\n\t\u202e\x1b" for c in e)]
EVIL = {
    "id": "evil",
    "initial": f"s $({RUNS}) 'q",
    "states": {f"s $({RUNS}) 'q": {"on": {e: "-y" for e in EVENTS}}, "-y": {"on": {"BACK": f"s $({RUNS}) 'q"}}},
}
IDS = ["-y", "--all", "a:b:c", "doc.1", "_q-", "lease-7"]


def plain(shell, text):
    """What is typed for the beginning of a name: as a person would, quoted where it must be."""
    quoted = "'\"$`;&>*~!\\{}#[]=%?^ ()|"
    return "".join("\\" + c if c in quoted and not (shell == "fish" and c in "!=^%" or c == "=" and shell == "bash") else c for c in text)


def first_letters(event, others):
    """So much of it that it is the only one."""
    for n in range(1, len(event) + 1):
        if not any(o != event and o.startswith(event[:n]) for o in others):
            return event[:n]
    return event


class Shell:
    """A shell on a terminal. What `fsm-cli` was run with is in the file `said`."""

    START = {
        "bash": ["--norc", "--noprofile", "-i"],
        "zsh": ["-f", "-i"],
        "fish": ["--no-config", "--private", "-i"],
    }
    READY = {
        "bash": "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; . ./../fsm-cli; . ./../fsmd",
        "zsh": "fpath=(.. $fpath); autoload -U compinit && compinit -u -D; unsetopt beep bang_hist",
        "fish": "source ../fsm-cli; source ../fsmd",
    }

    def __init__(self, name, scratch, data):
        self.name, self.folder = name, os.path.join(scratch, name)
        bin_ = os.path.join(self.folder, "bin")
        self.here = os.path.join(self.folder, "here")
        os.makedirs(bin_)
        os.makedirs(self.here)
        self.said = os.path.join(self.folder, "said")
        for program in ("fsm-cli", "fsmd"):
            with open(os.open(os.path.join(bin_, program), os.O_CREAT | os.O_WRONLY, 0o700), "w") as f:
                f.write(f'#!/bin/sh\ncase "$1" in __complete*) exec "{os.path.abspath(CLI)}" "$@" ;; esac\n'
                        f'printf "%s\\0" "$@" >"{self.said}.new"; mv "{self.said}.new" "{self.said}"\n')  # fmt: skip
        for program, args in ((CLI, ["fsm-cli", "completion", name]), (base.FSMD, ["fsmd", "--print-doc", name])):
            script = subprocess.run([program, *args[1:]], stdout=subprocess.PIPE, check=True, env=environment()).stdout
            with open(os.path.join(self.folder, "_" * (name == "zsh") + args[0]), "wb") as f:  # as packages name them
                f.write(script)
        env = {**environment(), "PATH": bin_ + ":" + os.environ["PATH"], "FSM_DB": os.path.abspath(data), "PS1": "$ ", "HISTFILE": "", "INPUTRC": "/dev/null", "HOME": self.folder,
               "XDG_CONFIG_HOME": self.folder, "XDG_DATA_HOME": self.folder, "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.here)
            os.execvpe(name, [name, *self.START[name]], env)
        self.screen = Terminal.__new__(Terminal)
        self.screen.pid, self.screen.fd, self.screen.data = pid, fd, b""
        self.screen.resize(200, 50)
        self.screen.send(self.READY[name].encode() + b"\r")
        self.screen.send(b"fsm-cli are you there\r")
        self.ran()

    def ran(self):
        """The words of the next fsm-cli that is run."""
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(self.said):
            self.screen.read(0.02)
            if time.monotonic() > deadline:
                raise AssertionError("nothing was run:\n" + self.screen.text())
        with open(self.said) as f:
            words = f.read().split("\0")[:-1]
        os.unlink(self.said)
        self.screen.data = b""
        return words

    def typed(self, keys):
        self.screen.send(keys.encode() + b"\r")
        return self.ran()

    def leave(self):
        os.kill(self.screen.pid, signal.SIGKILL)
        self.screen.end()


class Tabs(base.WithDaemon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = os.path.join(cls.scratch, "evil.json")
        with open(path, "w") as f:
            json.dump(EVIL, f)
        for args in (("def", "deploy", path), *(("start", "evil", "--id=" + i) for i in IDS)):
            code, _, err = run("--data", cls.data, *args)
            assert code == 0, err

    def commands(self, shell):
        for typed, wanted in (
            ("fsm-cli stu\t", ["stuck"]),
            ("fsm-cli def gr\t", ["def", "graph"]),
            ("fsm-cli ls --versi\t", ["ls", "--version"]),
            ("fsm-cli ls --group\tx", ["ls", "--group-by", "x"]),
            ("fsm-cli ls -o cs\t", ["ls", "-o", "csv"]),
            ("fsm-cli ls --output=cs\t", ["ls", "--output=csv"]),
            ("fsm-cli ls -m ev\t", ["ls", "-m", "evil"]),
            ("fsm-cli ls --machine=ev\t", ["ls", "--machine=evil"]),
            ("fsm-cli get lea\t", ["get", "lease-7"]),
            ("fsm-cli get a:b\t", ["get", "a:b:c"]),
            ("fsm-cli get -- -y\t", ["get", "--", "-y"]),
            ("fsm-cli get -- --a\t", ["get", "--", "--all"]),
            ("fsm-cli send lease-7 tw\t", ["send", "lease-7", "two words"]),
            ("fsm-cli send 'lease-7' tw\t", ["send", "lease-7", "two words"]),
            ("fsm-cli send lease-7 'tw\t", ["send", "lease-7", "two words"]),
            ('fsm-cli send lease-7 "tw\t', ["send", "lease-7", "two words"]),
            ("fsm-cli send lease-7 two\\ w\t", ["send", "lease-7", "two words"]),
            ("fsm-cli ls -m evil -s \t", ["ls", "-m", "evil", "-s", EVIL["initial"]]),
            ("fsm-cli ls -m evil --state=s\t", ["ls", "-m", "evil", "--state=" + EVIL["initial"]]),
            ("fsmd --print-s\t", ["--print-sinks"]),
            ("fsmd --log-level wa\t", ["--log-level", "warn"]),
            ("fsmd --log-level=wa\t", ["--log-level=warn"]),
        ):
            self.assertEqual(shell.typed(typed), wanted, typed)

    def names(self, shell):
        for event in EVENTS:
            if event not in UNSEEN and not event.startswith("-"):
                typed = "fsm-cli send lease-7 %s\t" % plain(shell.name, first_letters(event, EVENTS))
                self.assertEqual(shell.typed(typed), ["send", "lease-7", event], typed)

    def files(self, shell):
        for file in ("file one.json", f"filf $({RUNS})", "filg'q", "filh;x", "-fili"):
            open(os.path.join(shell.here, file), "w").close()
            start = "./-" if file[0] == "-" else file[:4]
            end = os.path.join("./", file) if file[0] == "-" else file
            self.assertEqual(shell.typed("fsm-cli def lint %s\t" % start), ["def", "lint", end])
            self.assertEqual(shell.typed("fsm-cli --data=%s\t stats" % start), ["--data=" + end, "stats"])
            self.assertEqual(shell.typed("fsmd --data %s\t --no-listen" % start), ["--data", end, "--no-listen"])
            self.assertEqual(shell.typed("fsmd --data=%s\t --no-listen" % start), ["--data=" + end, "--no-listen"])

    def in_shell(self, name):
        if not shutil.which(name):
            self.skipTest(f"there is no {name}")
        shell = Shell(name, self.scratch, self.data)
        try:
            for what in (self.commands, self.names, self.files):
                what(shell)
            self.assertNotIn("PWNED", os.listdir(shell.here), "a name was executed")
        finally:
            shell.leave()

    def test_bash(self):
        self.in_shell("bash")

    def test_zsh(self):
        self.in_shell("zsh")

    def test_fish(self):
        self.in_shell("fish")

    def test_unseen_names_and_words_that_would_be_options_are_not_offered(self):
        offered = self.ok("__complete", "--data", self.data, "send", "lease-7", "").splitlines()
        self.assertEqual(sorted(offered), sorted(e for e in EVENTS if e not in UNSEEN and e[0] != "-"))
        self.assertIn("-x", self.ok("__complete", "--data", self.data, "send", "--", "lease-7", "").splitlines())
        self.assertEqual(self.ok("__complete", "--data", self.data, "get", "").split(), [i for i in IDS if i[0] != "-"])
        self.assertEqual(self.ok("__complete", "--data", self.data, "get", "--", "-").split(), ["-y", "--all"])

    def test_what_is_asked_for_bash_is_quoted_and_what_it_asks_is_not(self):
        def bash(*words):
            return self.ok("__complete-bash", "--data", self.data, *words).splitlines()

        self.assertEqual(bash("send", "'lease-7'", "$"), ["\\$\\(touch\\ PWNED\\)"])
        self.assertEqual(bash("send", "lease-7", "\\$"), ["\\$\\(touch\\ PWNED\\)"])
        self.assertEqual(bash("send", "lease-7", "'$"), [f"$({RUNS})"])
        self.assertEqual(bash("send", "lease-7", '"$'), [])  # "$(…)" would be run
        self.assertEqual(bash("send", "lease-7", '"tw'), ["two words"])
        self.assertEqual(bash("send", "lease-7", "'it"), [])
        self.assertEqual(bash("send", "lease-7", "two\\"), ["two\\ words"])
        self.assertEqual(bash("get", "a", ":", "b"), ["b:c"])

    def test_words_that_are_a_mess_harm_nobody(self):
        for words in (["'"], ['"'], ["\\"], ["send", "'\"", "\\"], ["ls", "--state='"], ["=", ":"], [":"], [""] * 300, ["x" * 100000], ["-", "-"], ["--=", ""], ["\x80\xff".encode("latin-1"), ""]):
            for how in ("__complete", "__complete-bash"):
                self.assertEqual(run(how, "--data", self.data, *words)[0], 0, words)


if __name__ == "__main__":
    if not os.path.exists(CLI):
        sys.exit(77)
    unittest.main(verbosity=2)
