#!/usr/bin/env python3
"""What the demo claims, checked on what the programs say from outside.

  prove.py drained URL                    waits until each sink has all that the journal has
  prove.py story CLI ID                   the history of one document, its main fields
  prove.py histories CLI DOCUMENTS LIMIT  every document: each act once, by whom and in which case it was
  prove.py stream CLI WATCH NATS URL      the stream's ids are those of the journal, each once
  prove.py published CLI NATS FILES URL   verify-stream: stream and files hold every record, proved by its leaf
  prove.py compared CLI DATA FILES        verify-stream: the files hold what the journal of the stopped data holds

CLI is the path of fsm-cli, which finds the daemon by $FSM_DATA. Prints what was proved; status 1 and the
difference when it is not so.
"""

import collections
import json
import subprocess
import sys
import time
import urllib.request

PATIENCE_S = 60
STREAM = "FSM_EVT_0"


class Wrong(Exception):
    pass


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def health(url):
    with urllib.request.urlopen(url + "/healthz", timeout=PATIENCE_S) as answer:
        return json.load(answer)


def drained(url):
    """The journal's last seq, once NATS and the files have it."""
    until, seen = time.monotonic() + PATIENCE_S, "no answer"
    while time.monotonic() < until:
        try:
            seen = health(url)
            if seen["sinks"] and all(sink["seq"] == seen["seq"] for sink in seen["sinks"]):
                return int(seen["seq"])
        except OSError as fault:
            seen = fault
        time.sleep(0.05)
    raise Wrong("not all was published in %d s: %s" % (PATIENCE_S, seen))


# ---- one history ----------------------------------------------------------------------------------


def who(record):
    act = record.get("act", {})
    return act.get("sub") or act.get("type") or record.get("cause", "")


def change(record):
    before, after = (" ".join(record.get(side) or ()) for side in ("from", "to"))
    return "in " + after if before == after else " → ".join(filter(None, (before, after)))


def story(cli, name):
    records = json.loads(run(cli, "log", name, "-o", "json"))["items"]
    for r in records:
        event = r.get("trigger") or ""
        if event.startswith("xstate."):
            event = event.split(".")[1]
        print("%4s %-12s %-6s %-33s %s" % (r["seq"], r["kind"], event, change(r), r.get("reason") or who(r)))
    last = [r for r in records if r.get("trigger") and r.get("act", {}).get("authn") == "verified"][-1]
    print("correlation of all: %s" % ", ".join(sorted({r["corr"] for r in records})))
    print("seq %s, %s" % (last["seq"], last["trigger"]))
    print("  user %s, session %s" % (last["act"]["sub"], last["act"]["sid"]))
    if last.get("data"):
        print("  data %s" % json.dumps(last["data"], ensure_ascii=False))


# ---- histories -------------------------------------------------------------------------------------


def expected_acts(document):
    """What people did to a document that counts, as (event, who), and what was refused."""
    submitter, decision = document["submitter"], document["decision"]
    acts = [("", submitter)]
    if decision == "draft":
        return acts, []
    acts.append(("SUBMIT", submitter))
    if "fail" in document["id"]:
        return acts + [("RETRY", submitter)] * 3, [("RETRY", submitter)]
    if decision in ("approve", "reject"):
        acts.append((decision.upper(), document["approver"]))
    return acts, []


def check_history(document, records):
    case = "case-" + document["id"]
    strange = [r["seq"] for r in records if r["corr"] != case or r["inst"] != document["id"]]
    if strange:
        raise Wrong("records of another case: %s" % strange)
    by_people = [r for r in records if r.get("cause") == "external" or r["kind"] == "rejected"]
    nameless = [r["seq"] for r in by_people
                if r["act"]["authn"] != "verified" or not r["act"].get("sid")]
    if nameless:
        raise Wrong("acts without a verified user and session: %s" % nameless)
    acts, refused = expected_acts(document)
    done = [(r.get("trigger", ""), r["act"]["sub"]) for r in by_people if r["outcome"] == "taken"]
    if done != acts:
        raise Wrong("done %s, but the story is %s" % (done, acts))
    # A refusal leaves nothing to answer again from, so one that was cut off is refused twice.
    turned_down = [(r["trigger"], r["act"]["sub"]) for r in by_people if r["outcome"] == "refused"]
    if set(turned_down) != set(refused):
        raise Wrong("refused %s, but the story is %s" % (turned_down, refused))
    chain = [r["seq"] for r in records if r["outcome"] != "refused"]
    if [r["iprev"] for r in records if r["outcome"] != "refused"] != [0] + chain[:-1]:
        raise Wrong("its chain of records has a gap")


def histories(cli, path, limit):
    with open(path, encoding="utf-8") as file:
        documents = [json.loads(line) for line in file][:int(limit)]
    count = 0
    for document in documents:
        records = json.loads(run(cli, "log", document["id"], "-o", "json"))["items"]
        try:
            check_history(document, records)
        except Wrong as fault:
            raise Wrong("%s: %s" % (document["id"], fault)) from None
        count += len(records)
    print("%d histories, %d records: each act of a person is there once," % (len(documents), count))
    print("in its case, with the user and session of a verified token")


# ---- the stream ------------------------------------------------------------------------------------


def differences(ids, expected):
    seen = collections.Counter(ids)
    for title, found in (("missing in the stream", [i for i in expected if i not in seen]),
                         ("more than once in the stream", [i for i in seen if seen[i] > 1]),
                         ("in the stream alone", [i for i in seen if i not in set(expected)])):
        if found:
            yield "%s: %d (%s)" % (title, len(found), ", ".join(found[:5]))
    if ids != expected and seen == collections.Counter(expected):
        yield "not in the order of the journal"


def stream(cli, watch, nats, url):
    until = time.monotonic() + PATIENCE_S
    while True:
        seq = drained(url)
        ids = run(watch, "--url", nats, "--stream-dump", STREAM).split()
        verified = json.loads(run(cli, "audit", "verify", "-o", "json"))
        if drained(url) == seq or time.monotonic() > until:
            break  # else something was written in between: look again
    records = int(verified["records"])
    expected = ["%s.0.0.%d" % (health(url)["store"], i + 1) for i in range(records)]
    wrong = list(differences(ids, expected))
    if wrong:
        raise Wrong("\n".join(wrong))
    print("journal: %d records, seq 1 to %d without a gap (verified)" % (records, seq))
    print("stream:  %d messages, the same ids, each once, in order" % len(ids))


# ---- every sink --------------------------------------------------------------------------------------


def whole(name, report, last):
    """A report of verify-stream that leaves nothing open, from the first record to the last."""
    open_ends = {k: report.get(k, 0) for k in ("left_out", "dead", "unproved", "uncompared", "behind")}
    if not report["ok"] or (report["first"], report["last"]) != (1, last) or any(open_ends.values()):
        raise Wrong("%s: %s, expected 1 to %d" % (name, report, last))
    again = "each once" if report["repeats"] == 0 else "%d of them again" % report["repeats"]
    print("%-8s %d records, seq 1 to %d, in order, %s; leaves proved"
          % (name + ":", report["records"], last, again))


def published(cli, nats, files, url):
    until = time.monotonic() + PATIENCE_S
    while True:
        seq = drained(url)
        stream_report = json.loads(run(cli, "audit", "verify-stream", "--nats", nats, "--stream", STREAM, "-o", "json"))
        file_report = json.loads(run(cli, "audit", "verify-stream", files, "-o", "json"))
        if drained(url) == seq or time.monotonic() > until:
            break
    whole("stream", stream_report, seq)
    whole("files", file_report, seq)


def compared(cli, data, files):
    last = int(json.loads(run(cli, "--data", data, "audit", "verify", "-o", "json"))["seq"])
    whole("files", json.loads(run(cli, "--data", data, "audit", "verify-stream", files, "-o", "json")), last)
    print("         the same as in the journal of the stopped fsmd")


COMMANDS = {"published": (published, 4), "compared": (compared, 3),
            "drained": (drained, 1), "story": (story, 2), "histories": (histories, 3), "stream": (stream, 4)}


def main(words):
    command, count = COMMANDS.get(words[0] if words else "", (None, 0))
    if command is None or len(words) != count + 1:
        sys.exit(__doc__)
    try:
        command(*words[1:])
    except (Wrong, subprocess.CalledProcessError, OSError, LookupError) as fault:
        sys.exit("prove: %s" % (fault if isinstance(fault, Wrong) else repr(fault)))


if __name__ == "__main__":
    main(sys.argv[1:])
