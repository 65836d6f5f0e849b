#!/usr/bin/env python3
"""fsm-cli def graph: golden drawings, and names that no notation expects.

UPDATE=1 writes the golden files anew. Exit 77: the program is not built. Drawing by Graphviz is skipped,
saying so, where `dot` is not installed.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = os.environ.get("FSM_BUILD_DIR", ""), os.environ.get("FSM_SOURCE_DIR", "")
CLI = os.path.join(BUILD, "fsm-cli")
CASES = os.path.join(SOURCE, "tests", "cases", "graph")
DOT = shutil.which("dot")
PATIENCE_S = 60


def graph(*args, input=None, env=None):
    done = subprocess.run([CLI, "def", "graph", *args], input=input, capture_output=True, timeout=PATIENCE_S,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def draw(definition, notation):
    code, out, err = graph("-o", notation, "-", input=json.dumps(definition).encode())
    assert code == 0, err
    return out


def check_dot(text):
    """Graphviz' own word on it: None when it is well formed. (Not a layout: old versions lose an arrow.)"""
    done = subprocess.run([shutil.which("nop"), "-p"], input=text.encode(), capture_output=True, timeout=PATIENCE_S)
    return None if done.returncode == 0 and not done.stderr else done.stderr.decode()


MERMAID_LINE = [re.compile(p) for p in (
    r"---$", r'title: "(?:[^"\\]|\\.)*"$', r"stateDiagram-v2$", r"--$", r"\}$",
    r'state "(?:[^"#;:<>&%$`\\*]|#\d+;)*" as (s_|m_)\w*( \{)?$',
    r"state s_\w+ <<choice>>$", r"\[\*\] --> s_\w+$", r"s_\w+ --> \[\*\]$",
    r"(s_|m_)\w* : (?:[^\"#;:<>&%$`\\*]|#\d+;)+$",
    r"(s_|m_)\w* --> (s_|m_)\w*( : (?:[^\"#;:<>&%$`\\*]|#\d+;)+)?$")]


def bad_mermaid_lines(text):
    """Lines that are not of the few forms that we write, whose labels hold nothing Mermaid acts on."""
    return [line for line in text.splitlines() if not any(p.match(line.strip(" ")) for p in MERMAID_LINE)]


class Golden(unittest.TestCase):
    def test_each_case_is_drawn_as_its_golden_file(self):
        cases = sorted(f for f in os.listdir(CASES) if f.endswith((".json", ".scxml")))
        self.assertGreaterEqual(len(cases), 3)
        for case in cases:
            for notation in ("mermaid", "dot"):
                with self.subTest(case=case, notation=notation):
                    code, out, err = graph("-o", notation, os.path.join(CASES, case))
                    self.assertEqual((code, err), (0, ""))
                    golden = os.path.join(CASES, "%s.%s" % (case, notation))
                    if os.environ.get("UPDATE"):
                        with open(golden, "w", encoding="utf-8") as file:
                            file.write(out)
                    with open(golden, encoding="utf-8") as file:
                        self.assertEqual(out, file.read())

    def test_mermaid_is_what_is_drawn_when_nothing_is_said(self):
        path = os.path.join(SOURCE, "examples", "document-approval.json")
        self.assertEqual(graph(path), graph("-o", "mermaid", path))

    def test_a_drawing_says_what_people_look_for(self):
        out = graph(os.path.join(CASES, "claim.json"))[1]
        for line in ("[*] --> s_received", "s_received : invoke register", "s_received : after reminder",
                     "s_paid --> [*]",
                     "s_received --> s_withdrawn : after 1m30s", "s_received --> s_sorting : done registration",
                     "state s_sorting <<choice>>", "s_sorting --> s_paid : [small]", "s_sorting --> s_review : always",
                     "s_review --> s_paid : done", 'state "H#42; all" as s_review__all',
                     's_review__legal__open --> s_review__legal__closed : OK [context.checked #38;#38; event.data.pages #62; 3…]'):
            self.assertIn(line, [one.strip() for one in out.splitlines()])
        inside = out.split('state "review')[1].split("\n    }\n")[0]
        self.assertEqual(inside.count("    --\n"), 2)


class Names(unittest.TestCase):
    PIECES = ['"', "'", "\\", "#", ";", ":", "<", ">", "&", "%%", "{", "}", "[*]", "-->", "--", "end", "state", "note",
              "graph", "subgraph", "node", "strict", "style", "class", "classDef", "%%{init}%%", "\n", "\t", "\u202e",
              "\u2028", "é", "漢字", "☃", "\U0001f600", "_", "__", "_5f", "a", "B", "0x", " ", "  ", "`", "$$", "|", "#35;",
              "&amp;", "<b>", "*", "1) ", "- ", "\\n", "\\N", "\\G", "fork", "<<choice>>", "direction", "\u00a0", "as"]

    def name(self, rng, event=False):
        text = "".join(rng.choice(self.PIECES) for _ in range(rng.randint(1, 4)))
        if event:
            text = text.replace("*", "+")  # a wildcard has its place
        else:
            text = text.replace("\n", " ").replace("\t", " ")
        return text if not (text.strip().lstrip("-").isdigit() or text.startswith("#")) else "x" + text

    def machine(self, rng):
        def state(depth):
            result, kind = {}, rng.random()
            if depth < 3 and kind < 0.4:
                names = list({self.name(rng) for _ in range(rng.randint(1, 4))})
                result["states"] = {name: state(depth + 1) for name in names}
                if kind < 0.12:
                    result["type"] = "parallel"
                else:
                    result["initial"] = rng.choice(names)
            result["on"] = {}
            return result

        def walk(path, node):
            paths.append((path, node))
            for name, child in node.get("states", {}).items():
                walk(path + [name], child)

        root = state(0)
        while "states" not in root:
            root = state(0)
        paths = []
        walk([], root)
        for path, node in paths:
            for _ in range(rng.randint(0, 2)):
                target = rng.choice(paths)[0]
                node["on"][self.name(rng, True)] = {"target": "#" + ".".join(["m"] + target)} if target and rng.random() < 0.8 else {}
        return {"id": "m", "@exprLang": "cel", **root}

    def machines(self):
        rng = random.Random(7)
        for _ in range(int(os.environ.get("GRAPH_FUZZ", "60"))):
            yield self.machine(rng)

    def drawn(self, notation):
        drawn = refused = 0
        for machine in self.machines():
            code, out, err = graph("-o", notation, "-", input=json.dumps(machine).encode())
            self.assertIn(code, (0, 1), err)
            refused += code == 1
            if code == 0:
                drawn += 1
                yield machine, out
        self.assertGreater(drawn, refused, "most of the machines should be legal")

    def test_whatever_states_and_events_are_called_mermaid_has_only_forms_that_it_knows(self):
        for machine, out in self.drawn("mermaid"):
            self.assertEqual(bad_mermaid_lines(out), [], json.dumps(machine))

    @unittest.skipUnless(shutil.which("nop"), "Graphviz' nop is not installed")
    def test_whatever_states_and_events_are_called_graphviz_reads_it(self):
        for machine, out in self.drawn("dot"):
            self.assertIsNone(check_dot(out), json.dumps(machine))

    def test_two_states_never_share_an_id(self):
        names = ["a_b", "a__b", "a b", "a_5fb", "a_20b", "A_b", "ä"]
        states = {name: {} for name in names}
        states["a"] = {"initial": "b", "states": {"b": {}, "_b": {}}}
        states["a_"] = {"initial": "b", "states": {"b": {}}}
        out = draw({"id": "m", "@exprLang": "cel", "initial": "a", "states": states}, "mermaid")
        ids = re.findall(r'" as (\w+)', out)
        self.assertEqual(len(ids), len(names) + 5)
        self.assertEqual(len(set(ids)), len(ids))

    def test_nothing_in_a_drawing_moves_a_terminal(self):
        out = graph(os.path.join(CASES, "hostile.json"))[1] + graph("-o", "dot", os.path.join(CASES, "hostile.json"))[1]
        self.assertNotRegex(out, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]")

    def test_a_machine_of_one_state_alone_is_drawn(self):
        one = {"id": "one", "@exprLang": "cel", "on": {"A": {}}}
        self.assertEqual(bad_mermaid_lines(draw(one, "mermaid")), [])
        self.assertIn('m_ [label="one\\nA"]', draw(one, "dot"))


class Svg(unittest.TestCase):
    @unittest.skipUnless(DOT, "Graphviz' dot is not installed")
    def test_svg_is_drawn_by_graphviz(self):
        for case in ("claim.json", "hostile.json", "flat.scxml"):
            code, out, err = graph("-o", "svg", os.path.join(CASES, case))
            self.assertEqual((code, err), (0, ""))
            self.assertIn("<svg", out)
            self.assertTrue(out.rstrip().endswith("</svg>"))

    def test_without_graphviz_it_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as empty:
            code, out, err = graph("-o", "svg", os.path.join(CASES, "claim.json"), env={"PATH": empty})
        self.assertEqual((code, out), (3, ""))
        self.assertIn("install graphviz, or take -o mermaid or -o dot", err)

    def test_a_graphviz_that_fails_gives_no_half_drawing(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "dot"), "w") as file:
                file.write("#!/bin/sh\necho '<svg'\necho noise >&2\nexit 3\n")
            os.chmod(os.path.join(folder, "dot"), 0o755)
            code, out, err = graph("-o", "svg", os.path.join(CASES, "claim.json"), env={"PATH": folder})
        self.assertEqual((code, out), (1, ""))
        self.assertIn("Graphviz could not draw it (exit 3)", err)
        self.assertEqual(err.count("noise"), 1, "it is asked twice, and heard once")

    def drawn_by(self, script, *args):
        """With a program instead of Graphviz' dot, and the seconds that it took."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "dot")
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o755), "w") as file:
                file.write("#!/bin/sh\necho $$ >%s/pid\n%s" % (folder, script))
            code, out, err = graph(*args, "-o", "svg", os.path.join(CASES, "claim.json"), env={"PATH": folder + ":" + os.environ["PATH"]})
            with open(folder + "/pid") as file:
                self.assertRaises(ProcessLookupError, os.kill, int(file.read()), 0)
        self.assertEqual(out, "", "no half a drawing")
        return code, err

    def test_a_graphviz_that_does_not_end_is_stopped_and_the_ways_out_are_named(self):
        for script in ("exec sleep 600", "echo '<svg'; exec sleep 600"):
            code, err = self.drawn_by(script, "--timeout", "300ms")
            self.assertEqual(code, 8, err)
            self.assertIn("has not drawn it in 300ms", err)
            for way in ("mermaid", "dot", "--timeout"):
                self.assertIn(way, err)
            self.assertNotIn("--idem", err)

    def test_a_graphviz_that_draws_without_end_is_stopped(self):
        code, err = self.drawn_by("exec cat /dev/zero")
        self.assertEqual(code, 2, err)
        self.assertIn("more than 64 MiB", err)

    @unittest.skipUnless(DOT, "Graphviz' dot is not installed")
    def test_whatever_is_drawn_graphviz_draws_it(self):
        for machine in list(Names("drawn").machines())[:int(os.environ.get("GRAPH_FUZZ", "6"))]:
            code, out, err = graph("-o", "svg", "-", input=json.dumps(machine).encode())
            self.assertIn(code, (0, 1), err)
            self.assertTrue(code == 1 and "Graphviz" not in err or out.rstrip().endswith("</svg>"), err)


class Faults(unittest.TestCase):
    def test_a_definition_that_is_wrong_is_told_with_file_and_place(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bad.json")
            with open(path, "w") as file:
                json.dump({"id": "bad", "initial": "a", "states": {"a": {"on": {"X": "nowhere"}}}}, file)
            code, out, err = graph(path)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("bad.json: /states/a/on/X", err)
        self.assertNotIn("usage:", err)

    def test_text_that_is_no_json_is_no_wrong_use(self):
        code, _, err = graph("-", input=b'{"id": "x",\n oops}')
        self.assertEqual(code, 1)
        self.assertIn("stdin: 2:", err)

    def test_a_file_that_is_not_there_and_a_wrong_format_are(self):
        code, _, err = graph("/nowhere/x.json")
        self.assertEqual(code, 2)
        self.assertIn("/nowhere/x.json: cannot be opened", err)
        code, _, err = graph("-o", "png", os.path.join(CASES, "claim.json"))
        self.assertEqual(code, 2)
        self.assertIn("takes mermaid, dot or svg, not png", err)


if __name__ == "__main__":
    if not os.access(CLI, os.X_OK):
        print("fsm-cli is not built")
        sys.exit(77)
    unittest.main(verbosity=1)
