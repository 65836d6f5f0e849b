#!/usr/bin/env python3
"""Patterns and texts made by chance, matched by us and by Python's re, in what both understand alike.

Python's re is asked with re.ASCII (classes as in RE2) and, where letters may fold, without it on texts whose
letters fold alike in both. FSM_MATCH_CASES and FSM_MATCH_SEED make it longer or other.
"""

import os
import random
import re
import subprocess
import sys
import warnings

CHARACTERS = ["a", "b", "c", "A", "B", "k", "é", "É", "ñ", "€", "😀", "0", "7", "_", " ", "\n", "-", "."]
SINGLES = ["a", "b", "c", "A", "k", "é", "ñ", "€", "😀", "0", "_", " ", r"\n", r"\.", "-", r"\x61", ".", ".",
           r"\d", r"\D", r"\w", r"\W", "[ab]", "[^ab]", "[a-c0-7]", r"[^\d]", r"[\w.]", "[é-ñ]", "[^a\n]",
           r"[\-a]", "[]a]", "[^]a]", r"[\W_]"]
EDGES = [("^", "^"), ("$", None), (r"\b", r"\b"), (r"\A", r"\A"), (r"\z", r"\Z"), (r"\B", r"\B")]
REPEATS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}", "{1,3}?", "{0}", "{3}"]


class Maker:
    """One pattern, as RE2 and as Python write it."""

    def __init__(self, rng):
        self.rng = rng
        self.lines = rng.random() < 0.2
        self.fold = rng.random() < 0.25
        self.dot_all = rng.random() < 0.2

    def atom(self, depth):
        chance = self.rng.random()
        if chance < 0.12:
            ours, theirs = self.rng.choice(EDGES)
            return ours, theirs or ("$" if self.lines else r"\Z"), False
        if depth > 0 and chance < 0.4:
            ours, theirs = self.either(depth - 1)
            head = self.rng.choice(["(", "(?:", "(?:"])
            return head + ours + ")", head + theirs + ")", True
        single = self.rng.choice(SINGLES)
        return single, single, True

    def sequence(self, depth):
        ours, theirs = "", ""
        for _ in range(self.rng.randrange(0, 4)):
            a, b, repeats = self.atom(depth)
            if repeats and self.rng.random() < 0.35:
                repeat = self.rng.choice(REPEATS)
                a, b = a + repeat, b + repeat
            ours, theirs = ours + a, theirs + b
        return ours, theirs

    def either(self, depth):
        parts = [self.sequence(depth) for _ in range(self.rng.choice([1, 1, 1, 2, 3]))]
        return "|".join(p[0] for p in parts), "|".join(p[1] for p in parts)

    def pattern(self):
        ours, theirs = self.either(3)
        flags = "".join(f for f, on in (("i", self.fold), ("m", self.lines), ("s", self.dot_all)) if on)
        if flags:
            ours, theirs = "(?" + flags + ")" + ours, "(?" + flags + ")" + theirs
        return ours, theirs


def cases(rng, count):
    while count:
        ours, theirs = Maker(rng).pattern()
        try:
            # Python folds what is beyond ASCII only without re.ASCII; then its \w and \b know more letters
            if "(?i" in ours[:6] and re.search(r"é|ñ|É", ours):
                continue
            compiled = re.compile(theirs, re.ASCII)
        except (re.error, OverflowError):
            continue
        for _ in range(4):
            text = "".join(rng.choice(CHARACTERS) for _ in range(rng.randrange(0, 9)))
            if r"\B" in ours and not text:
                continue  # Python: no \B in an empty text
            yield ours, text, compiled.search(text) is not None
            count -= 1
            if not count:
                return


def main():
    warnings.simplefilter("ignore")
    program = os.path.join(os.environ.get("FSM_BUILD_DIR", "build"), "tests", "drive_match")
    if not os.path.exists(program):
        print("no program", program)
        return 77
    rng = random.Random(int(os.environ.get("FSM_MATCH_SEED", "1")))
    made = list(cases(rng, int(os.environ.get("FSM_MATCH_CASES", "10000"))))
    lines = "".join("x%s x%s\n" % (p.encode().hex(), t.encode().hex()) for p, t, _ in made)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, timeout=500, check=False)
    if done.returncode != 0:
        print(done.stderr)
        return 1
    answers = done.stdout.splitlines()
    wrong = [(p, t, e, a) for (p, t, e), a in zip(made, answers) if a != str(int(e))]
    for pattern, text, expected, answer in wrong[:20]:
        print("%r on %r: expected %d, got %s" % (pattern, text, expected, answer))
    found = sum(e for _, _, e in made)
    print("%d cases, %d found, %d wrong" % (len(made), found, len(wrong)))
    blind = len(answers) != len(made) or found < len(made) // 10 or found > len(made) * 9 // 10
    return 1 if wrong or blind else 0


if __name__ == "__main__":
    sys.exit(main())
