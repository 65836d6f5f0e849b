#!/usr/bin/env python3
"""What every view of fsm-cli writes to a terminal when the texts in it are somebody's attack or of another script: what a
daemon answers, with each text in it made worse, and what a real one took. Nothing raw reaches the terminal, no line is wider
than it, and no column begins in another one.

Exit 77: the programs are not built.
"""
import concurrent.futures
import json
import os
import re
import sys
import threading
import unicodedata
import unittest

import cli_scene as base
import test_cli_hostile as hostile
from cli_scene import CLI, run
from cli_terminal import Terminal

ATTACK = "x\x1b]0;pwned\x07\x1b]8;;http://evil/\x1b\\link\x1b]52;c;ZXZpbA==\x07\x1b[35;45m\x9b2J\x90q\x9c\u202e\u2066\u200f\r\n\tend\x7f\x08\u2028\u2029\ufeff"
SCRIPTS = "漢字仮名 e\u0301o\u0308\u0323 한국 ｆｕｌｌ אבג"
LARGE = "wide 漢 " * 8192  # 64 KB and more
TEXTS = {"attack": ATTACK, "scripts": SCRIPTS, "large": LARGE}
LARGE_ONES = ("key", "corr", "reason", "text", "sub", "note", "value", "error", "last_error", "command")
# What an honest daemon says in its own words, and what fsm-cli has to read.
OWN = ("next", "source", "now", "as_of", "token", "machine", "dialect", "hash", "kind", "status", "outcome", "type", "authn", "of")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z$")
COLOUR = re.compile("\x1b\\[(?:[0-9]|3[0-7]|9[0-7]|38;5;\\d+|48;5;\\d+)m|\r(?:[^\x00-\x1f\x7f-\x9f]*)\x1b\\[K")
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
# commands that only look, and answers of those that do
VIEWS = ["ls", "stuck", "search", "actors", "stats", "funnel", "heat", "top", "why", "events", "get", "log", "diff", "trace", "cause", "send", "force", "set", "pause", "def ls", "task ls", "task get", "timer ls",
         "outbox ls", "outbox lag", "route ls", "route test", "health", "db stat"]  # fmt: skip
DRY = ("send", "force", "set", "pause")


def worse(document, text, name=""):
    """Each text with that one behind it; labels and context under such names too."""
    if isinstance(document, str):
        large = len(text) > 4096
        return document if name in OWN or TIME.match(document) or (large and name not in LARGE_ONES) else document + text
    if isinstance(document, list):
        return [worse(v, text, name) for v in document]
    if isinstance(document, dict):
        rename = name in ("labels", "context", "seen") and len(text) < 4096
        return {k + (text if rename else ""): worse(v, text, name if name in ("labels", "context", "seen") else k) for k, v in document.items()}
    return document


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cells(line):
    """A character for each column of the terminal."""
    return "".join(c if width(c) == 1 else c + "#" if width(c) == 2 else "" for c in line)


def torn(lines):
    """The first row of a table in lines that has something where all other cells of a column have ended; None: there is none."""
    for at, header in enumerate(lines):
        titles = list(re.finditer(r"[A-Z][A-Z0-9%/]*(?: (?:→ )?[A-Z0-9%/]+)*", header))
        if len(titles) < 2 or re.search("[a-z:]", header):
            continue
        rows = []
        for line in lines[at + 1 :]:
            if not line.strip() or line.startswith(" ") or "·" in line:
                break
            rows.append(cells(line))
        for left, right in zip(titles, titles[1:]):
            gap = range(left.end(), right.start())
            if rows and not any(all(c >= len(row) or row[c] == " " for row in rows) for c in gap):
                return header + "\n" + "\n".join(rows[:5])
    return None


class Texts(unittest.TestCase):
    """All views, on terminals of two widths."""

    @classmethod
    def setUpClass(cls):
        hostile.Hostile.setUpClass()
        cls.addClassCleanup(hostile.Hostile.doClassCleanups)
        cls.scene = hostile.Hostile("learn")
        cls.taken = 0
        for words in (["start", "door", "--id", "h-1", "--key", ATTACK], ["start", "door", "--id", "h-2", "--label", "dept=" + SCRIPTS], ["start", "door", "--id", "h-3", "--label", "dept=" + ATTACK],
                      ["send", "h-2", "NOTE", "--data", json.dumps({"text": ATTACK})], ["send", "d-1", "NOTE", "--data", json.dumps({"text": LARGE[:60000]})], ["send", "d-2", "NOTE", "--data", json.dumps({"text": SCRIPTS})],
                      ["pause", "h-2", "--reason", ATTACK], ["note", "d-1", SCRIPTS]):  # fmt: skip
            cls.taken += run("--data", cls.scene.data, *words)[0] == 0

    def views(self):
        """[words, of the forms that each has]."""
        for name in VIEWS:
            for words in hostile.ASKED[name]:
                if "-o" in words or "--format" in words:
                    continue
                words = [*words, "--dry-run"] if name in DRY and "--dry-run" not in words else words
                yield words
                forms = {"ls": ("wide", "tree", "csv"), "top": (), "why": (), "stats": (), "funnel": (), "heat": ()}.get(name, ("wide", "csv"))
                for form in forms if "--group-by" not in words else ():
                    yield [*words, "-o", form]

    def check(self, words, columns, said, what):
        plain = COLOUR.sub(lambda m: "\n" if m.group()[0] == "\r" else "", said)
        raw = RAW.search(plain)
        self.assertIsNone(raw, "%s: %r" % (what, plain[max(0, raw.start() - 60) :][:150] if raw else ""))
        if "-o" in words and words[-1] != "tree":
            return
        lines = plain.splitlines()
        whole = words[0] == "get" or "--full" in words  # one document; nothing of it is cut
        for line in lines:
            if whole or re.match("[a-z_]+: |  fsm-cli ", line):  # a member of one document; what is to be typed: never broken
                continue
            self.assertLessEqual(width(line), columns, "%s\n%s" % (what, line[:300]))
        self.assertIsNone(torn(lines), what)

    def shown(self, words, columns, *where):
        code, said = Terminal(*where, "--no-pager", *self.scene.filled(words, "run"), columns=columns, rows=50, env={"LC_ALL": "C.UTF-8"}).end()
        return code, said

    def one(self, words, answers, name, columns):
        path = os.path.join(self.scene.scratch, "t-%d" % threading.get_ident())
        what = "%s, %s texts at %d columns" % (" ".join(words), name, columns)

        def answer(line, _):
            same = [a for a in answers if a[0] == line] or [a for a in answers if a[0].split("?")[0] == line.split("?")[0]]
            if not same:
                return [hostile.head("404 No", 2, "Connection: close\r\n"), b"{}"]
            _, status, body = same[0]
            try:
                body = json.dumps(worse(json.loads(body), TEXTS[name])).encode()
            except ValueError:
                pass  # figures for a monitor
            return [hostile.head(status, len(body), "Connection: close\r\n"), body]

        with hostile.door(path, answer):
            code, said = self.shown(words, columns, "--socket", path)
        self.assertIn(code, range(11), what + said[-2000:])
        self.check(words, columns, said, what)
        return code

    def all_of(self, words, wrong, codes):
        if "-o" in words and "-o takes" in run("--data", self.scene.data, *self.scene.filled(words, "run"))[2]:
            return
        answers = self.scene.learn(words)
        for name in TEXTS:
            if name == "large" and "-o" in words:
                continue
            for columns in (80, 140) if "-o" not in words or words[-1] == "tree" else (80,):
                try:
                    codes.append((self.one(words, answers, name, columns), words))
                except AssertionError as e:
                    wrong.append(str(e)[:1500])
        for columns in (80, 140) if "-o" not in words else (80,):
            try:
                _, said = self.shown(words, columns, "--data", self.scene.data)
                self.check(words, columns, said, "%s, of a daemon at %d columns" % (" ".join(words), columns))
            except AssertionError as e:
                wrong.append(str(e)[:1500])

    def test_no_text_is_more_than_a_text_on_a_terminal(self):
        self.assertGreaterEqual(self.taken, 3, "the daemon takes none of them")
        wrong, codes = [], []
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(self.all_of, words, wrong, codes) for words in self.views()]:
                done.result()
        self.assertEqual(len(wrong), 0, "\n\n".join(sorted(wrong)))
        faults = [words for code, words in codes if code not in (0, 10) and words[0] != "health"]
        self.assertLess(len(faults), len(codes) / 4, faults)


if __name__ == "__main__":
    if not os.path.exists(CLI):
        sys.exit(77)
    unittest.main(verbosity=2)
