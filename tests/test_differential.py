#!/usr/bin/env python3
"""The JSON dialect against XState: random machines and events, the same transcripts on both sides.

A case is made from its seed; one that differs is cut down to the smallest and printed with both transcripts.

  FSM_DIFFERENTIAL_CASES=100000 FSM_DIFFERENTIAL_SEED=1 tests/test_differential.py     a long run
  FSM_DIFFERENTIAL_CASES=1 FSM_DIFFERENTIAL_SEED=77 tests/test_differential.py         that case again

XState is installed by `npm ci` into the build directory, once; without node, npm or the package this is skipped.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent / "differential"
sys.path.insert(0, str(HERE))

from generate import case_of  # noqa: E402
from model import spellings  # noqa: E402
from players import REFUSED, RULES, Match, Player, difference, rule_of  # noqa: E402
from shrink import smallest  # noqa: E402

BUILD = pathlib.Path(os.environ.get("FSM_BUILD_DIR", "build/dev")).resolve()
CASES = int(os.environ.get("FSM_DIFFERENTIAL_CASES", "600"))
SEED = int(os.environ.get("FSM_DIFFERENTIAL_SEED", "1"))
LOOPS = int(os.environ.get("FSM_DIFFERENTIAL_LOOPS", "1"))  # of endless loops only every so manyth is compared
SHOWN = int(os.environ.get("FSM_DIFFERENTIAL_SHOWN", "3"))  # differences that are cut down and printed
BATCH = 250


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def install():
    """XState in the build directory, as package-lock.json names it."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            skip("%s is not installed" % program)
    place = BUILD / "differential"
    place.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        wanted, there = (HERE / name).read_bytes(), place / name
        if not there.exists() or there.read_bytes() != wanted:
            there.write_bytes(wanted)
            shutil.rmtree(place / "node_modules", ignore_errors=True)
    shutil.copy(HERE / "xstate.mjs", place)
    if not (place / "node_modules" / "xstate" / "package.json").exists():
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place, capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(place / "node_modules", ignore_errors=True)
            skip("npm ci failed: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    return place


def show(match, case):
    (ours, theirs), = match.play([case])
    place, one, other = difference(case, ours, theirs)
    print("machine: " + json.dumps(spellings(case["model"])[0]))
    print("steps:   " + json.dumps(case["steps"]))
    for name, side in (("ours", ours), ("XState", theirs)):
        for n, entry in enumerate((side or {}).get("transcript", [side])):
            print("%-7s %d %s" % (name, n, json.dumps(entry)[:1500]))
    print("parted at %s\n  ours    %s\n  XState  %s" % (place, json.dumps(one), json.dumps(other)))


def main():
    place = install()
    match = Match(Player([str(BUILD / "tests" / "drive_differential")], stderr=subprocess.DEVNULL), Player(["node", "xstate.mjs"], cwd=place))

    def alike(case):
        """Is another case different in the way that this one is: refused, or in what happens?"""
        refused = difference(case, *match.play([case])[0])[0] == REFUSED

        def same_way(small, one, other):
            found = difference(small, one, other)
            return found is not None and (found[0] == REFUSED) == refused and rule_of(small, one, other) is None

        def differs(cases):
            return [pair is not None and same_way(small, *pair) for small, pair in zip(cases, match.play(cases))]

        return differs

    counts = {"active": 0, "done": 0, "error": 0, "loop": 0}
    explained = {name: 0 for name, _ in RULES}
    different = left_out = 0
    for start in range(SEED, SEED + CASES, BATCH):
        cases = [case_of(seed) for seed in range(start, min(start + BATCH, SEED + CASES))]
        for case, pair in zip(cases, match.play(cases, LOOPS)):
            if pair is None:
                left_out += 1
                continue
            ours, theirs = pair
            if difference(case, ours, theirs) is None:
                counts[ours["transcript"][-1]["status"]] += 1
                continue
            rule = rule_of(case, ours, theirs)
            if rule is not None:
                explained[rule] += 1
                continue
            different += 1
            print("---- seed %d differs" % case["seed"])
            if different <= SHOWN:
                show(match, smallest(case, alike(case)))
            sys.stdout.flush()
    match.stop()
    print("cases %d from seed %d: %s" % (CASES, SEED, ", ".join("%s %d" % pair for pair in counts.items())))
    print("explained: " + ", ".join("%s %d" % pair for pair in explained.items()))
    if left_out:
        print("without end, not compared: %d" % left_out)
    print("differences %d" % different)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
