#!/usr/bin/env python3
"""Breaks the step algorithm on purpose and sees that the tests notice.

Each row of tests/mutation/mutants.txt names one change of one line in fsm/: a condition dropped, an order
swapped, history forgotten. The sources are built once in a private directory; for each mutant the changed
file alone is compiled again, and the engine's unit tests, then the conformance suites (where the corpus is
there), have to fail. A mutant that survives is a hole in the tests.

    tests/test_mutation.py            three mutants, for every check
    tests/test_mutation.py --all      every mutant
    tests/test_mutation.py NAME…      these
"""

import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.environ.get("FSM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORPUS = os.path.join(ROOT, "..", "shared", "corpus")
TESTS = ["test_step*.c", "test_action*.c", "test_machine*.c", "test_session_*.c"]
SUITES = ["gap", "scion", "scion-xstate-json", "w3c-irp"]
IN_CHECK = 3
TIMEOUT_S = 60


class Mutant:
    def __init__(self, name, path, old, new):
        self.name, self.path, self.old, self.new = name, path, old, new

    def apply(self):
        with open(os.path.join(ROOT, self.path)) as file:
            text = file.read()
        # Lines may be indented anew between one version of the source and the next.
        pattern = r"\s+".join(re.escape(line) for line in self.old.split("\n"))
        found = re.findall(pattern, text)
        if len(found) != 1:
            sys.exit(f"{self.name}: its text is {len(found)} times in {self.path}, not once:\n  {self.old}")
        return text.replace(found[0], self.new)


def read_mutants():
    """Blocks of lines: "name: path", "- old text", "+ new text"; "|" goes on with a further line."""
    mutants, name, path, parts = [], None, None, {}
    with open(os.path.join(ROOT, "tests/mutation/mutants.txt")) as file:
        lines = file.read().split("\n") + [""]
    for line in lines:
        if line.startswith("#"):
            continue
        if not line.strip():
            if name:
                mutants.append(Mutant(name, path, parts["-"], parts.get("+", "")))
            name, parts, mark = None, {}, None
        elif line[0] in "-+":
            mark = line[0]
            parts[mark] = line[2:]
        elif line[0] == "|":
            parts[mark] += "\n" + line[2:]
        else:
            name, path = (part.strip() for part in line.split(":", 1))
    return mutants


def pkg(*names):
    flags = []
    for name in names:
        found = subprocess.run(["pkg-config", "--cflags", "--libs", name], capture_output=True, text=True)
        flags += found.stdout.split()
    return flags


class Build:
    def __init__(self, work):
        self.work = work
        self.cc = [os.environ.get("CC", "cc"), "-std=c11", "-O1", "-g", "-w", "-D_GNU_SOURCE", "-I" + ROOT]
        self.cc += ['-DFSM_VERSION="mutant"', f'-DFSM_SOURCE_DIR="{ROOT}"', "-fsanitize=address,undefined"]
        self.cc += ["-fno-sanitize-recover=all"]
        self.libs = pkg("jansson", "expat", "cmocka") + ["-lmsgpackc", "-lm"]
        self.objects = {}

    def compile(self, path, out):
        run = subprocess.run(self.cc + ["-c", path, "-o", out], capture_output=True, text=True)
        if run.returncode != 0:
            return run.stderr
        return None

    def compile_all(self, paths):
        jobs = []
        for path in paths:
            out = os.path.join(self.work, os.path.relpath(path, ROOT).replace("/", "_") + ".o")
            self.objects[path] = out
            jobs.append((path, subprocess.Popen(self.cc + ["-c", path, "-o", out], stderr=subprocess.PIPE)))
            while len([j for j in jobs if j[1].poll() is None]) >= (os.cpu_count() or 2):
                time.sleep(0.01)
        for path, job in jobs:
            errors = job.communicate()[1]
            if job.returncode != 0:
                sys.exit(f"{path} does not compile:\n{errors.decode()}")

    def archive(self, paths):
        self.floor = os.path.join(self.work, "floor.a")
        subprocess.run(["ar", "rcs", self.floor] + [self.objects[path] for path in paths], check=True)

    def link(self, mains, mutant, out):
        """A mutant's object stands before the archive, so that the one inside is not taken."""
        objects = [self.objects[path] for path in mains] + mutant + [self.floor]
        run = subprocess.run(self.cc + objects + self.libs + ["-o", out], capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{out} does not link:\n{run.stderr}")
        return out


def sources(*patterns):
    found = []
    for pattern in patterns:
        found += sorted(glob.glob(os.path.join(ROOT, pattern)))
    return found


def wraps(path):
    """Programs that replace malloc need their own link; none of them is about the algorithm."""
    with open(path) as file:
        return "__wrap_" in file.read()


class Judge:
    """The programs that have to notice, cheapest first."""

    def __init__(self, build, with_corpus):
        self.build = build
        self.floor_paths = sources("fsm/*.c", "schema/*.c")
        self.units = [path for path in sources(*("tests/" + name for name in TESTS)) if not wraps(path)]
        self.conformance = sources("tests/conformance/*.c") if with_corpus else []
        build.compile_all(self.floor_paths + self.units + self.conformance)
        build.archive(self.floor_paths)

    def verdict(self, mutant):
        """None when all pass, else what failed."""
        for unit in self.units:
            name = os.path.basename(unit)[:-2]
            if self.fails([self.build.link([unit], mutant, os.path.join(self.build.work, name))]):
                return name
        if not self.conformance:
            return None
        program = self.build.link(self.conformance, mutant, os.path.join(self.build.work, "conformance"))
        for suite in SUITES:
            if self.fails([program, "--corpus", CORPUS, "--suite", suite, "--json"]):
                return "suite " + suite
        return None

    @staticmethod
    def fails(command):
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        try:
            run = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, env=env)
        except subprocess.TimeoutExpired:
            return True
        return run.returncode != 0

    def killer(self, mutant):
        changed = os.path.join(self.build.work, "mutant.c")
        with open(changed, "w") as file:
            file.write(mutant.apply())
        out = os.path.join(self.build.work, "mutant.o")
        errors = self.build.compile(changed, out)
        if errors:
            sys.exit(f"{mutant.name} does not compile:\n{errors}")
        return self.verdict([out])


def choose(mutants, args):
    if args.names:
        by_name = {m.name: m for m in mutants}
        unknown = [name for name in args.names if name not in by_name]
        if unknown:
            sys.exit("there is no mutant " + ", ".join(unknown))
        return [by_name[name] for name in args.names]
    if args.all:
        return mutants
    step = max(1, len(mutants) // IN_CHECK)
    return mutants[::step][:IN_CHECK]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--unit", action="store_true", help="by the unit tests alone")
    args = parser.parse_args()
    mutants = read_mutants()
    for mutant in mutants:
        mutant.apply()  # each still fits its source, whether or not it is run
    chosen = choose(mutants, args)
    survivors = []
    with tempfile.TemporaryDirectory() as work:
        judge = Judge(Build(work), os.path.isdir(CORPUS) and not args.unit)
        failed = judge.verdict([])
        if failed:
            sys.exit(f"without any mutant {failed} fails")
        for mutant in chosen:
            killer = judge.killer(mutant)
            print(f"{mutant.name}: " + (f"killed by {killer}" if killer else "SURVIVED"), flush=True)
            if not killer:
                survivors.append(mutant.name)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants killed ({len(mutants)} in all)")
    if survivors:
        sys.exit("survived: " + ", ".join(survivors))


if __name__ == "__main__":
    main()
