#!/usr/bin/env python3
"""test_answers.py [N | --store DIR] [--seed S] [--samples K] [--only SECTION,…]: every answer of fsm-cli held against a
recomputation from the bytes of the journal (answers.d), on a store of N instances (1,200) that a seed makes, or on one
that is there: stopped, it is only read. K instances are asked about one by one, at least one of each sort (36 of them or so). Prints each difference and exits 1 when there is one.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "answers.d"))
from ask import Client, Differences  # noqa: E402
from figures import Figures  # noqa: E402
from lists import Lists  # noqa: E402
from logs import Logs, some_texts  # noqa: E402
from monitor import Monitor  # noqa: E402
from rules import Rules  # noqa: E402
from told import Told  # noqa: E402

BUILD = os.environ.get("FSM_BUILD_DIR", "build/dev")
SECTIONS = {
    "columns": (Lists, "columns"), "filters": (Lists, "all_filters"), "sorts": (Lists, "sorts"), "stuck": (Lists, "stuck"), "groups": (Lists, "groups"),
    "timers": (Lists, "timers"), "tasks": (Lists, "tasks"), "actors": (Lists, "actors"), "stats": (Figures, "stats"), "filtered": (Figures, "filtered"), "funnel": (Figures, "funnels"),
    "log": (Logs, "logs"), "one": (Logs, "of_one"), "trace": (Logs, "traces"), "cause": (Logs, "causes"), "search": (Logs, "searches"),
    "past": (Logs, "pasts"), "why": (Logs, "whys"), "health": (Logs, "health"),
    "check": (Monitor, "checks"),
}  # fmt: skip


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("instances", nargs="?", type=int, default=int(os.environ.get("FSM_ANSWERS_INSTANCES", "1200")))
    parser.add_argument("--store")
    parser.add_argument("--cli", default=os.path.join(BUILD, "fsm-cli"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=int, default=0, help="instances of log, cause, past, why; at least one of each sort")
    parser.add_argument("--only", default=",".join(SECTIONS))
    return parser.parse_args()


def compare(options, store):
    chance, d = random.Random(options.seed), Differences()
    texts = some_texts(chance)
    d.begin("the journal is read")
    told = Told(store, texts)
    d.begin("%d records of %d instances" % (told.last_seq, len(told.instances)))
    rules, client, made = Rules(told), Client(options.cli, store, d), {}
    for name in options.only.split(","):
        kind, method = SECTIONS[name]
        if kind not in made:
            made[kind] = kind(told, rules, client, d, chance)
            made[kind].samples = options.samples
        getattr(made[kind], method)()
    d.begin("done")
    return 1 if d.count else 0


def main():
    options = arguments()
    if options.store:
        return compare(options, options.store)
    room = tempfile.mkdtemp(prefix="fsm-answers-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    try:
        store = os.path.join(room, "data")
        seeded = [os.path.join(BUILD, "tests", "seeded"), store, "--instances", str(options.instances), "--seed", str(options.seed), "--segment", "2"]
        subprocess.run(seeded, check=True, stdout=subprocess.DEVNULL, timeout=3000)
        return compare(options, store)
    finally:
        shutil.rmtree(room)


if __name__ == "__main__":
    sys.exit(main())
