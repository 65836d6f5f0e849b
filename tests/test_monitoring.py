#!/usr/bin/env python3
"""examples/monitoring against a real fsmd, scraped by a real Prometheus: what it has scraped, whether each query of the rules and
of the dashboard can be asked and has an answer, whether each alert fires when it should; and Kibana's objects against the mapping.
Exit 77: not built."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
SOURCE = os.environ.get("FSM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests"))

import http_daemon  # noqa: E402
from free_port import free_port  # noqa: E402
from http_daemon import Daemon  # noqa: E402

EXAMPLES = os.path.join(SOURCE, "examples", "monitoring")
WAIT = 60
# Metrics of others, and of what a quiet daemon does not have: sinks are configured below, nothing is refused as full.
ELSEWHERE = {"up", "node_filesystem_avail_bytes", "ALERTS"}
MACHINE = {"id": "m", "initial": "a", "states": {"a": {"on": {"GO": "b", "SPIN": "x"}}, "b": {"after": {"100ms": "a"}},
           "x": {"always": "y"}, "y": {"always": "x"}}}  # fmt: skip


def prometheus():
    """The program, or None."""
    got = subprocess.run([os.path.join(SOURCE, "tools", "install"), "--prometheus-path"], capture_output=True, text=True)
    return got.stdout.strip() if got.returncode == 0 else None


def read(name):
    with open(os.path.join(EXAMPLES, name), encoding="utf-8") as file:
        return file.read()


def dashboard_queries():
    """(title, expression) of all panels, with Grafana's variables put in."""
    for panel in json.loads(read("grafana-dashboard.json"))["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$machine", ".*")
            assert "$" not in text, text
            yield panel["title"], text


class Prometheus(unittest.TestCase):
    def setUp(self):
        self.program = prometheus()
        if self.program is None:
            self.skipTest("there is no prometheus: tools/install fetches it")
        self.promtool = os.path.join(os.path.dirname(self.program), "promtool")
        self.dir = tempfile.mkdtemp(prefix="fsm-prometheus-")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def tool(self, *args, **more):
        done = subprocess.run([self.promtool, *args], capture_output=True, text=True, timeout=WAIT, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout + done.stderr)

    def run_daemon(self):
        sinks = os.path.join(self.dir, "sinks.json")
        with open(sinks, "w", encoding="utf-8") as file:
            json.dump({"sinks": [{"name": "files", "kind": "file", "path": os.path.join(self.dir, "out", "records.ndjson")}]}, file)
        os.mkdir(os.path.join(self.dir, "out"))
        daemon = Daemon("--auth", "none", "--sinks", sinks, key=False)
        self.addCleanup(daemon.remove)
        self.assertEqual(daemon.request("POST", "/v1/machines", MACHINE).status, 201)
        for n in range(20):
            self.assertEqual(daemon.request("POST", "/v1/instances", {"machine": "m", "id": "i%d" % n}).status, 201)
        self.assertEqual(daemon.request("POST", "/v1/instances/i0/events", {"event": "NONE"}).status, 422)
        daemon.request("POST", "/v1/instances/i1/events", {"event": "SPIN"})
        for n in range(2, 6):
            self.assertEqual(daemon.request("POST", "/v1/instances/i%d/events" % n, {"event": "GO"}).status, 200)
        return daemon

    def run_prometheus(self, daemon):
        """As the example says, only oftener, and of a daemon on a port of its own."""
        text = read("prometheus.yml")
        for there, here in (("127.0.0.1:8480", "127.0.0.1:%d" % daemon.port), ("scrape_interval: 15s", "scrape_interval: 1s"),
                            ("evaluation_interval: 15s", "evaluation_interval: 1s")):  # fmt: skip
            self.assertIn(there, text)
            text = text.replace(there, here)
        with open(os.path.join(self.dir, "prometheus.yml"), "w", encoding="utf-8") as file:
            file.write(text)
        shutil.copy(os.path.join(EXAMPLES, "alerts.yml"), self.dir)
        self.port = free_port()
        command = [self.program, "--config.file=" + os.path.join(self.dir, "prometheus.yml"), "--storage.tsdb.path=" + os.path.join(self.dir, "tsdb"),
                   "--web.listen-address=127.0.0.1:%d" % self.port, "--log.level=warn"]  # fmt: skip
        with open(os.path.join(self.dir, "log"), "ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def api(self, path, **query):
        url = "http://127.0.0.1:%d/api/v1/%s?%s" % (self.port, path, urllib.parse.urlencode(query))
        with urllib.request.urlopen(url, timeout=WAIT) as answer:
            document = json.load(answer)
        self.assertEqual(document["status"], "success")
        return document["data"]

    def ask(self, expression):
        return self.api("query", query=expression)["result"]

    def await_(self, what, holds):
        end = time.time() + WAIT
        while True:
            try:
                if holds():
                    return
            except OSError:
                pass  # it is not up yet
            self.assertLess(time.time(), end, what)
            time.sleep(0.2)

    def test_it_scrapes_what_it_understands_and_every_query_has_an_answer(self):
        daemon = self.run_daemon()
        self.tool("check", "metrics", input=daemon.request("GET", "/metrics").text.decode())
        self.run_prometheus(daemon)
        self.await_("a scrape", lambda: self.ask('up{job="fsmd"} == 1'))
        self.await_("all instances", lambda: [r["value"][1] for r in self.ask("sum(fsm_instances)")] == ["20"])
        self.await_("two scrapes", lambda: self.ask("rate(process_cpu_seconds_total[1m])"))
        self.assertEqual([r["value"][1] for r in self.ask("fsm_incidents")], ["1"])
        self.assertEqual([r["value"][1] for r in self.ask('fsm_refusals_total{reason="unknown_event"}')], ["1"])
        self.await_("timers that fired", lambda: [r["value"][1] for r in self.ask("fsm_timer_late_seconds_count")] == ["4"])
        for title, text in dashboard_queries():
            self.assertTrue(self.ask(text), "%s: %s has no answer" % (title, text))
        rules = self.api("rules")["groups"][0]["rules"]
        self.assertEqual([r["health"] for r in rules], ["ok"] * len(rules))
        self.await_("an alert", lambda: "FsmdIncidents" in {a["labels"]["alertname"] for a in self.api("alerts")["alerts"]})
        names = set(self.api("label/__name__/values"))
        for rule in rules:
            text = re.sub(r'"[^"]*"', "", rule["query"])
            for name in set(re.findall(r"\b(?:fsm|process|node)_[a-z_]+|\bup\b", text)) - ELSEWHERE:
                self.assertIn(name, names, rule["name"])

    def test_each_alert_fires_when_it_should_and_not_before(self):
        shutil.copy(os.path.join(EXAMPLES, "alerts.yml"), self.dir)
        shutil.copy(os.path.join(SOURCE, "tests", "cases", "alerts.test.yml"), self.dir)
        self.tool("check", "rules", "alerts.yml", cwd=self.dir)
        self.tool("test", "rules", "alerts.test.yml", cwd=self.dir)
        self.assertEqual(read("alerts.yml").count("- alert:"), 11)  # so many must fire there


class Dashboards(unittest.TestCase):
    def test_grafana_s_panels_lie_beside_each_other_and_have_a_number_each(self):
        panels = json.loads(read("grafana-dashboard.json"))["panels"]
        self.assertEqual(len({p["id"] for p in panels}), len(panels))
        taken = set()
        for panel in panels:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24)
            taken |= cells

    def test_kibana_s_objects_name_each_other_and_fields_that_are_mapped(self):
        objects = [json.loads(line) for line in read("kibana.ndjson").splitlines()]
        known = {(o["type"], o["id"]) for o in objects}
        self.assertEqual(len(known), len(objects))
        with open(os.path.join(SOURCE, "schema", "elasticsearch", "index-template.json"), encoding="utf-8") as file:
            template = json.load(file)
        mapped = set()

        def walk(properties, prefix):
            for name, about in properties.items():
                if "properties" in about:
                    walk(about["properties"], prefix + name + ".")
                mapped.add(prefix + name)

        walk(template["template"]["mappings"]["properties"], "")
        self.assertIn(objects[0]["attributes"]["title"], template["index_patterns"])
        for thing in objects:
            for reference in thing["references"]:
                self.assertIn((reference["type"], reference["id"]), known)
            about = thing["attributes"]
            fields = set(about.get("columns", [])) | {s[0] for s in about.get("sort", [])}
            for aggregation in json.loads(about.get("visState", '{"aggs": []}'))["aggs"]:
                fields |= {aggregation["params"]["field"]} if "field" in aggregation["params"] else set()
            query = json.loads(about.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}")).get("query", {}).get("query", "")
            fields |= set(re.findall(r"([a-z.@_]+):", query))
            self.assertLessEqual(fields, mapped, thing["id"])


if __name__ == "__main__":
    if not os.access(http_daemon.FSMD, os.X_OK):
        print("skipped: not built")
        sys.exit(77)
    unittest.main(verbosity=2)
