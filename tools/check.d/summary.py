#!/usr/bin/env python3
"""What a run of tools/check found.

usage: summary.py TESTS_XML DEMO_STATUS DEMO_LOG

Shows each failure with the end of its output and each skip with its reason, and counts them in the last
line. A test program that skips some of its cases counts as passed; those cases count as skipped.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

TAIL = 40
REASON = re.compile(r"^(?!\[)(?:.*: )?skip(?:ped|ping)?[:,] *(.*\S)$", re.I | re.M)  # "skipped: there is no …"
CASES = [re.compile(r"^\[ *SKIPPED *\] (\w+)$", re.M),                            # cmocka, the list at its end
         re.compile(r"^(\w+) \([\w.]+\)(?:\n.*)? \.\.\. skipped ['\"](.*)['\"]$", re.M)]   # unittest -v
COUNTED = re.compile(r"^OK \(.*\bskipped=(\d+)\)", re.M)                          # unittest


def tail(text, count=TAIL):
    return "\n".join("    " + line for line in text.rstrip().splitlines()[-count:])


def reason_of(text):
    m = REASON.search(text)
    return m.group(1) if m else ""


def skipped_cases(text):
    """(name, reason) of cases that a passing program has skipped."""
    reason = reason_of(text) or "it does not say why"
    found = {}
    for pattern in CASES:
        for m in pattern.finditer(text):
            found[m.group(1)] = m.group(2) if pattern.groups > 1 else reason
    counted = COUNTED.search(text)
    for i in range(len(found), int(counted.group(1)) if counted else 0):
        found["case %d" % (i + 1)] = reason
    return list(found.items())


def read(path):
    """Lists of (name, text): passed, failed, skipped."""
    passed, failed, skipped = [], [], []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        output = case.findtext("system-out") or ""
        skip = case.find("skipped")
        if status == "run":
            passed.append((name, output))
            skipped += [("%s: %s" % (name, what), why) for what, why in skipped_cases(output)]
        elif skip is not None and "SKIP" in (skip.get("message") or ""):
            skipped.append((name, reason_of(output) or tail(output, 1).strip() or "it does not say why"))
        else:  # failed, and what could not be run at all
            why = case.find("failure")
            message = why.get("message") if why is not None else status
            failed.append((name, (message + "\n" if message else "") + output))
    return passed, failed, skipped


def main(words):
    if len(words) != 3:
        sys.exit(__doc__)
    passed, failed, skipped = read(words[0])
    with open(words[2], encoding="utf-8", errors="replace") as file:
        demo = ("tools/demo --short", file.read())
    (passed if words[1] == "0" else failed).append(demo)
    for name, text in failed:
        print("\nFAILED %s\n%s" % (name, tail(text)))
    if skipped:
        print("\nskipped:")
    for name, reason in skipped:
        print("  %s: %s" % (name, reason))
    print("\n%d passed, %d failed, %d skipped" % (len(passed), len(failed), len(skipped)))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
