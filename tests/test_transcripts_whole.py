#!/usr/bin/env python3
"""The transcripts are whole: every command, every option of each, every exit code is shown in one.

What there is comes from fsm-cli's own help; what is shown is read from the transcripts, with the words of a line understood as
fsm-cli understands them. A line that ends in a usage error shows no option.

Exit 77: fsm-cli is not built.
"""
import glob
import os
import re
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_transcripts import BUILD, TRANSCRIPTS, Step, read  # noqa: E402

CLI = os.path.join(BUILD, "fsm-cli")
EVERYWHERE = "\noptions of every command:\n"
OPTION = re.compile(r"^  (?:-(\w), |    )--([a-z-]+)(?: (\[?[A-Z][^ ]*))?", re.M)
# Words before a command that fsm-cli knows, and its list does not have.
HIDDEN = {("help",): {}, ("__complete",): {}}


def helped(*words):
    return subprocess.run([CLI, *words, "--help"], capture_output=True, text=True, check=True).stdout


class Options:
    """Of a command or of all: name → its letter and whether it takes a value (maybe: only attached, or a span)."""

    def __init__(self, text):
        self.named = {}
        for letter, name, value in OPTION.findall(text):
            self.named.setdefault(name, (letter, value))

    def find(self, word):
        for name, (letter, value) in self.named.items():
            if word in ("--" + name, "-" + letter if letter else None):
                return name, value
        return None


TOPICS = "fsm-cli help TOPIC:"


def listed():
    """Words of the commands (`group name`), and topics: sections of lines `  NAME  what`."""
    commands, topics = [], []
    for section in helped().partition(EVERYWHERE)[0].split("\n\n"):
        names = [tuple(name.split()) for name in re.findall(r"^  ([a-z-]+(?: [a-z-]+)?)  ", section, re.M)]
        (topics if section.startswith(TOPICS) else commands).extend(names)
    return commands, topics


class Commands:
    def __init__(self):
        self.own, self.common = {}, Options(helped("stuck").partition(EVERYWHERE)[2])
        commands, self.topics = listed()
        for command in commands:
            self.own[command] = Options(helped(*command).partition("\noptions:\n")[2].partition(EVERYWHERE)[0])
        self.own.update({words: Options("") for words in HIDDEN})

    def find(self, own, word):
        return (own.find(word) if own else None) or self.common.find(word)

    def read(self, words):
        """(command, the names of its options) of what stands behind fsm-cli; a command of None: options of all only."""
        command, used, rest = None, set(), list(words)
        prefix = []
        while rest:
            word = rest.pop(0)
            own = self.own.get(command)
            if word == "--":
                break
            if not word.startswith("-") or word == "-":
                if command is None:
                    prefix.append(word)
                    command = tuple(prefix) if tuple(prefix) in self.own else None
                if command in HIDDEN:
                    break
                continue
            name, equals, _ = word.partition("=")
            found = self.find(own, name if name.startswith("--") else word[:2])
            if found is None:
                continue
            used.add(found[0])
            attached = bool(equals) if name.startswith("--") else len(word) > 2
            optional = found[1].startswith("[")
            if found[1] and not attached and rest and (not optional or re.fullmatch(r"[0-9]+m?s|[0-9]+m", rest[0])):
                rest.pop(0)
        return command, used


def lines_for_cli(command):
    """The words behind each `fsm-cli` of a line for sh."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=";|&()<>\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    words, found = [], []
    for token in list(lexer) + [";"]:
        if set(token) <= set(";|&()<>\n"):
            if "fsm-cli" in words:
                found.append(words[words.index("fsm-cli") + 1 :])
            words = []
        else:
            words.append(token)
    return found


def shown():
    for path in sorted(glob.glob(os.path.join(TRANSCRIPTS, "*.txt"))):
        for step in read(path):
            if isinstance(step, Step) and step.command():
                yield step


class Whole(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.commands = Commands()

    def test_every_command_and_every_option_of_each_is_shown_in_a_transcript(self):
        ran, used, everywhere, asked = set(), set(), set(), set()
        for step in shown():
            refused = any(line.startswith("! usage:") or "no such option" in line for line in step.expected)
            for words in lines_for_cli(step.command()):
                command, options = self.commands.read(words)
                ran.add(command)
                asked.add(tuple(words[:2]))
                if not refused:
                    used.update((command, option) for option in options)
                    own = self.commands.own.get(command)
                    everywhere.update(name for name in options if own is None or name not in own.named)
        missing = [" ".join(command) for command in self.commands.own if command not in ran]
        for command, options in self.commands.own.items():
            missing += [" ".join(command) + " --" + name for name in options.named if (command, name) not in used]
        missing += ["help " + topic for (topic,) in self.commands.topics if ("help", topic) not in asked]
        missing += ["--" + name for name in self.commands.common.named if name not in everywhere]
        self.assertEqual(missing, [], "%d are in no transcript:\n%s" % (len(missing), "\n".join(missing)))

    def test_every_exit_code_is_shown_in_a_transcript(self):
        codes = {int(line[1:-1]) for step in shown() for line in step.expected if re.fullmatch(r"\[[0-9]+\]", line)}
        self.assertEqual(sorted(set(range(1, 11)) - codes), [])

    def test_the_list_and_the_options_are_read_as_they_are_printed(self):
        own = self.commands.own
        self.assertGreater(len(own), 60)
        self.assertGreater(len(self.commands.topics), 3)
        self.assertIn(("ls",), own)
        self.assertIn(("audit", "verify-stream"), own)
        self.assertEqual(own[("ls",)].find("-m"), ("machine", "MACHINE"))
        self.assertEqual(own[("ls",)].find("--all"), ("all", ""))
        self.assertEqual(own[("log",)].named["trace"][1], "HEX")
        self.assertEqual(self.commands.common.find("-w"), ("watch", "[DUR]"))

    def test_a_line_is_understood_as_fsm_cli_does(self):
        for line, said in {
            "fsm-cli ls -m ls --state=stuck -q | fsm-cli note - 'why --all' -y": [(("ls",), {"machine", "state", "quiet"}), (("note",), {"yes"})],
            "fsm-cli -o json --data x db stat": [(("db", "stat"), {"output", "data"})],
            "X=1 fsm-cli task ls ls -sopen\nfsm-cli ls -w 2s -w -q": [(("task", "ls"), {"state"}), (("ls",), {"watch", "quiet"})],
            "cd x && fsm-cli help db --all >f 2>&1": [(("help",), set())],
            "fsm-cli send -- --all": [(("send",), set())],
            "fsm-cli ls --nothing-such": [(("ls",), set())],
            "echo --all": [],
        }.items():
            self.assertEqual([self.commands.read(words) for words in lines_for_cli(line)], said, line)


if __name__ == "__main__":
    if not os.path.exists(CLI):
        print("skip: %s is not built" % CLI)
        sys.exit(77)
    unittest.main(verbosity=2)
