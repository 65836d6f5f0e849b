#!/usr/bin/env python3
"""GET /metrics of a real fsmd against what the same load must have made of it: counted here from the commands sent, the answers
got and the records read back, never from a figure. Exit 77: not built."""
import collections
import json
import os
import random
import re
import signal
import struct
import sys
import time
import unittest

sys.dont_write_bytecode = True
SOURCE = os.environ.get("FSM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests"))
sys.path.insert(0, os.path.join(SOURCE, "tests", "kill.d"))

import http_daemon  # noqa: E402
from journal import Reader, Record  # noqa: E402
from http_daemon import Daemon, await_, metrics  # noqa: E402

BOUNDS = [1, 10, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86400, 3 * 86400, 7 * 86400, 30 * 86400, 90 * 86400, 365 * 86400]
TWO = [
    {"id": "walk", "initial": "a", "states": {
        "a": {"on": {"GO": "b"}}, "b": {"initial": "x", "on": {"GO": "c"}, "states": {"x": {"on": {"IN": "y"}}, "y": {}}},
        "c": {"on": {"GO": "a", "END": "end"}}, "end": {"type": "final"}}},
    {"id": "wait", "initial": "w", "states": {
        "w": {"after": {"PT1H": "late"}, "invoke": {"src": "somebody", "id": "t"}, "on": {"SKIP": "late"}}, "late": {}}},
]  # fmt: skip


def labelled(figures, name, **labels):
    """The value of the line with these labels, whatever their order."""
    wanted = {'%s="%s"' % item for item in labels.items()}
    for key, value in figures.items():
        family, _, rest = key.partition("{")
        if family == name and set(rest.rstrip("}").split(",")) - {""} == wanted:
            return value
    return None


class Metrics(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon("--auth", "none", key=False)
        self.addCleanup(self.daemon.remove)
        for definition in TWO:
            answer = self.ask("POST", "/v1/machines", definition)
            self.assertEqual(answer.status, 201, answer)

    def ask(self, method, path, body=None, **headers):
        return self.daemon.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()} or None)

    def figures(self):
        """Scraped when no kept walk is shown any more."""
        answer = self.ask("GET", "/metrics")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        return metrics(answer)

    def load(self, rng, count):
        """Random commands; what became of them, by machine and outcome, and refusals by reason."""
        fates, reasons = collections.Counter(), collections.Counter()
        for n in range(count):
            machine = rng.choice(["walk", "wait"])
            if rng.random() < 0.3:
                answer = self.ask("POST", "/v1/instances", {"machine": machine, "id": "%s-%d" % (machine, rng.randrange(20))})
            else:
                body = {"event": rng.choice(["GO", "IN", "END", "SKIP", "NEVER"])}
                key = {"Idempotency_Key": "k%d" % n} if rng.random() < 0.3 else {}
                path = "/v1/instances/%s-%d/events" % (machine, rng.randrange(22))
                answer = self.ask("POST", path, body, **key)
                if key and answer.status == 200:
                    again = self.ask("POST", path, body, **key)
                    self.assertTrue(again.json["replayed"])
                    fates[machine, "replayed"] += 1
            if answer.status < 300:
                fates[machine, "taken"] += 1
            else:
                reasons[answer.json["code"]] += 1
        return fates, reasons

    def test_figures_are_those_of_what_was_sent_and_of_what_is_on_record(self):
        fates, reasons = self.load(random.Random(7), 400)
        figures = self.figures()
        for machine in ("walk", "wait"):
            deployed = 1
            self.assertEqual(labelled(figures, "fsm_commands_total", machine=machine, outcome="taken"), fates[machine, "taken"] + deployed)
            # a first answer that is given again names its machine only in the record that it is read from
        replayed = sum(v for k, v in figures.items() if k.startswith("fsm_commands_total") and 'outcome="replayed"' in k)
        self.assertEqual(replayed, fates["walk", "replayed"] + fates["wait", "replayed"])
        refused = sum(v for k, v in figures.items() if k.startswith("fsm_commands_total") and 'outcome="refused"' in k)
        self.assertEqual(refused, sum(reasons.values()))
        told = {k.split('"')[1]: v for k, v in figures.items() if k.startswith("fsm_refusals_total")}
        self.assertEqual(told, dict(reasons))
        self.check_records(figures)
        self.check_instances(figures)
        for stage in ("decide", "answer"):
            count = figures['fsm_stage_seconds_count{stage="%s"}' % stage]
            self.assertEqual(count, sum(fates.values()) + sum(reasons.values()) + len(TWO))
        self.assertGreater(figures['fsm_stage_seconds_count{stage="sync"}'], 0)

    def records(self):
        items, after = [], None
        while True:
            page = self.ask("GET", "/v1/records?limit=1000" + ("&after=" + after if after else "")).json
            items += page["items"]
            after = page.get("next")
            if after is None:
                return items

    def check_records(self, figures):
        counted = collections.Counter((r.get("mach", ""), r["kind"]) for r in self.records())
        for (machine, kind), count in counted.items():
            self.assertEqual(labelled(figures, "fsm_records_total", machine=machine, kind=kind), count, (machine, kind))
        for machine in ("walk", "wait"):
            self.assertEqual(figures['fsm_transitions_total{machine="%s"}' % machine], counted[machine, "transition"])
        self.assertEqual(figures["fsm_seq"], sum(counted.values()))

    def instances(self):
        return self.ask("GET", "/v1/instances?limit=1000").json["items"]

    def check_instances(self, figures):
        states, waiting, timers = collections.Counter(), 0, 0
        for row in self.instances():
            paths = set()
            for leaf in row["state"]:
                parts = leaf.split(".")
                paths |= {".".join(parts[: n + 1]) for n in range(len(parts))}
            for path in paths:
                states[row["machine"], path] += 1
            waiting += row["state"] == ["w"]
        for definition in TWO:
            for path in ["a", "b", "b.x", "b.y", "c", "end"] if definition["id"] == "walk" else ["w", "late"]:
                name = definition["id"], path
                self.assertEqual(labelled(figures, "fsm_instances", machine=name[0], state=path), states[name], name)
                ages = labelled(figures, "fsm_state_age_seconds_count", machine=name[0], state=path) or 0
                self.assertEqual(ages, 0 if path == "end" else states[name], name)
        self.assertEqual(figures['fsm_tasks{state="waiting"}'] + figures['fsm_tasks{state="running"}'], waiting)
        self.assertEqual(figures["fsm_timers"], waiting)

    def test_stays_are_counted_when_they_end_and_ages_while_they_last(self):
        began = time.monotonic()
        self.assertEqual(self.ask("POST", "/v1/instances", {"machine": "walk", "id": "one"}).status, 201)
        time.sleep(1.2)
        self.assertEqual(self.ask("POST", "/v1/instances/one/events", {"event": "GO"}).status, 200)
        most = time.monotonic() - began
        figures = self.figures()
        of = {"machine": "walk", "state": "a"}
        left = [labelled(figures, "fsm_state_dwell_seconds_bucket", le="%.15g" % b, **of) for b in BOUNDS]
        stay = labelled(figures, "fsm_state_dwell_seconds_sum", **of)
        self.assertTrue(1.2 <= stay <= most, stay)
        self.assertEqual(left, [int(stay <= b) for b in BOUNDS])
        self.assertIsNone(labelled(figures, "fsm_state_dwell_seconds_count", machine="walk", state="b"))
        ages = [labelled(figures, "fsm_state_age_seconds_bucket", machine="walk", state="b", le="%.15g" % b) for b in BOUNDS]
        most = time.monotonic() - began
        self.assertTrue(all(age == 1 for age, b in zip(ages, BOUNDS) if b > most), ages)
        self.assertIsNone(labelled(figures, "fsm_state_age_seconds_count", **of))

    def test_counters_begin_at_zero_with_each_life_whatever_is_replayed(self):
        self.assertEqual(self.ask("POST", "/v1/instances", {"machine": "walk", "id": "one"}).status, 201)
        self.assertEqual(self.ask("POST", "/v1/instances/one/events", {"event": "GO"}).status, 200)
        self.assertEqual(labelled(self.figures(), "fsm_state_dwell_seconds_count", machine="walk", state="a"), 1)
        self.daemon.stop(signal.SIGKILL)  # what the store has not yet is replayed
        self.daemon.start()
        figures = self.figures()
        self.assertEqual([k for k in figures if k.startswith("fsm_state_dwell_seconds")], [])
        self.assertEqual(labelled(figures, "fsm_records_total", machine="walk", kind="transition"), None)
        self.assertEqual(labelled(figures, "fsm_instances", machine="walk", state="b"), 1)
        self.assertEqual(labelled(figures, "fsm_instances", machine="walk", state="a"), 0)

    def test_states_of_old_versions_are_told_apart_from_final_ones(self):
        old = {"id": "walk", "initial": "gone", "states": {"gone": {"on": {"GO": "over"}}, "over": {"type": "final"}}}
        self.assertEqual(self.ask("POST", "/v1/machines", old).status, 201)
        for name in ("stays", "goes"):
            self.assertEqual(self.ask("POST", "/v1/instances", {"machine": "walk", "id": name}).status, 201)
        self.assertEqual(self.ask("POST", "/v1/instances/goes/events", {"event": "GO"}).status, 200)
        self.assertEqual(self.ask("POST", "/v1/machines", TWO[0]).status, 201)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        figures = self.figures()
        for state, age in (("gone", 1), ("over", None)):
            self.assertEqual(labelled(figures, "fsm_instances", machine="walk", state=state), 1)
            self.assertEqual(labelled(figures, "fsm_state_age_seconds_count", machine="walk", state=state), age)

    def test_damage_takes_the_instances_from_the_figures_and_nothing_else(self):
        since = self.ask("POST", "/v1/instances", {"machine": "walk", "id": "one"})
        self.assertEqual(since.status, 201)
        self.assertEqual(self.figures()["fsm_instances_unread"], 0)
        self.assertEqual(self.daemon.stop(), 0)
        created = [r for r in self.kept_records() if r.kind == "created"]
        time_ns = struct.pack(">Q", created[0].time)
        path = os.path.join(self.daemon.data, "store", "data.mdb")
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            places = [m.end() for m in re.finditer(re.escape(time_ns), data) if data[m.start() - 8 : m.start() - 4] == b"\0\0\0\1"]
            self.assertTrue(places)
            for place in places:  # key: machine, state, time, number; then its checksum
                data[place + 8] ^= 1
            file.seek(0)
            file.write(data)
        self.daemon.start()
        figures = self.figures()
        self.assertEqual(figures["fsm_instances_unread"], 1)
        self.assertEqual(figures["fsm_up"], 1)
        self.assertEqual(figures["fsm_seq"], 3)
        self.assertIsNone(labelled(figures, "fsm_instances", machine="walk", state="a"))

    def kept_records(self):
        return [Record(data) for frame in Reader(os.path.join(self.daemon.data, "journal", "0")).frames() for data in frame]

    def test_a_walk_is_kept_for_a_while_and_counters_are_not(self):
        kept_s, made = 5, 0
        while True:
            await_("a new walk", lambda: labelled(self.figures(), "fsm_instances", machine="walk", state="a") == made)
            self.assertEqual(self.ask("POST", "/v1/instances", {"machine": "walk"}).status, 201)
            began = time.monotonic()
            while labelled(figures := self.figures(), "fsm_instances", machine="walk", state="a") == made:
                self.assertEqual(labelled(figures, "fsm_records_total", machine="walk", kind="created"), made + 1)
                self.assertLess(time.monotonic() - began, 60)
                time.sleep(0.2)
            made += 1
            if time.monotonic() - began > kept_s / 5:  # it was kept; else it was over when the instance came
                break
            self.assertLess(made, 10, "it is not kept")

    def test_the_process_is_told_under_the_names_that_all_have(self):
        figures = self.figures()
        with open("/proc/%d/limits" % self.daemon.process.pid, encoding="utf-8") as file:
            limit = next(line for line in file if line.startswith("Max open files")).split()[3]
        self.assertEqual(figures["process_max_fds"], float(limit))
        self.assertGreater(figures["process_open_fds"], 5)
        self.assertGreater(figures["process_resident_memory_bytes"], 1 << 20)
        self.assertLess(abs(figures["process_start_time_seconds"] - time.time()), 60)
        self.assertLess(figures["fsm_loop_lag_seconds"], 60)
        self.assertGreater(figures["process_cpu_seconds_total"], 0)

    def test_incidents_and_names_that_need_escaping(self):
        odd = {"id": "odd", "initial": "a \"b\"\\", "states": {"a \"b\"\\": {"on": {"SPIN": "x"}}, "x": {"always": "y"}, "y": {"always": "x"}}}
        answer = self.ask("POST", "/v1/machines", odd)
        if answer.status != 201:
            self.assertEqual(answer.json["code"], "invalid_definition")
            odd = json.loads(json.dumps(odd).replace('a \\"b\\"\\\\', "a b"))
            self.assertEqual(self.ask("POST", "/v1/machines", odd).status, 201)
        self.assertEqual(self.ask("POST", "/v1/instances", {"machine": "odd", "id": "o"}).status, 201)
        self.ask("POST", "/v1/instances/o/events", {"event": "SPIN"})
        self.assertEqual(self.figures()["fsm_incidents"], 1)


if __name__ == "__main__":
    if not os.access(http_daemon.FSMD, os.X_OK):
        print("skipped: not built")
        sys.exit(77)
    unittest.main()
