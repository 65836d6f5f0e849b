"""generate.py: random machines and what is done to them, by a seed.

What it makes is legal in both notations and total: no expression fails, no target is missing, two targets of one
transition lie in different regions. Everything logs, so that the order of all that happens is seen.
"""
import random

from model import states_of

EVENTS = ["A", "B", "C", "a.b", "a.b.c", "a.x"]
DESCRIPTORS = EVENTS * 3 + ["a.*", "a.b.*", "*"]
DELAYS = [0, 10, 10, 20, 30, 50]
FIELDS = {"i": 1, "j": 0, "t": "", "l": []}


class Maker:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.left = self.rng.choice([3, 5, 8, 12, 16, 24])  # states still to be made
        self.keys = self.invokes = self.timers = self.marks = 0
        self.paths = []
        self.by_path = {}

    def one_in(self, n):
        return self.rng.randrange(n) == 0

    # ---- expressions

    def integer(self, depth=2):
        r = self.rng
        if depth == 0 or self.one_in(3):
            return r.choice(
                [["int", r.randrange(-3, 9)], ["context", "i"], ["context", "j"], ["event"], ["output"],
                 ["size", ["context", "l"]], ["size", ["context", "t"]]]
            )  # fmt: skip
        operator = r.choice(["+", "-", "*", "mod", "?", "+"])
        if operator == "mod":
            return ["mod", self.integer(depth - 1)]
        if operator == "?":
            return ["?", self.truth(depth - 1), self.integer(depth - 1), self.integer(depth - 1)]
        return [operator, self.integer(depth - 1), self.integer(depth - 1)]

    def truth(self, depth=2, states=False):
        r = self.rng
        if depth == 0 or self.one_in(2):
            atom = r.randrange(12)
            if states and atom < 3 and len(self.paths) > 1:
                return ["In", r.choice(self.paths[1:])]
            if atom < 7:
                return [r.choice(["<", "<=", "==", "!="]), self.integer(1), self.integer(1)]
            if atom == 7:
                return ["in", self.integer(0), ["context", "l"]]
            if atom == 8:
                return ["starts", ["context", "t"], ["text", r.choice(["", "a", "b"])]]
            if atom == 9:
                return [r.choice(["all", "exists"]), ["context", "l"], self.integer(0)]
            if atom == 10:
                return ["==", ["type"], ["text", r.choice(EVENTS)]]
            return ["bool", self.one_in(2)]
        operator = r.choice(["&&", "||", "!"])
        if operator == "!":
            return ["!", self.truth(depth - 1, states)]
        return [operator, self.truth(depth - 1, states), self.truth(depth - 1, states)]

    def assignment(self):
        made = {}
        for field in self.rng.sample(list(FIELDS), self.rng.choice([1, 1, 2])):
            if field == "t":
                made[field] = ["join", ["context", "t"], ["text", self.rng.choice("ab")]]
            elif field == "l":
                made[field] = ["append", ["context", "l"], ["mod", self.integer()]]
            else:
                made[field] = ["mod", self.integer()]
        return made

    def guard(self, depth=1):
        r = self.rng
        kind = r.randrange(12)
        if kind == 0 and self.guards:
            return ["named", r.choice(list(self.guards))]
        if kind == 1 and depth:
            return [r.choice(["and", "or"]), [self.guard(depth - 1) for _ in range(r.randrange(1, 3))]]
        if kind == 2 and depth:
            return ["not", self.guard(depth - 1)]
        if kind in (3, 4) and len(self.paths) > 1:
            return ["stateIn", r.choice(self.paths[1:])]
        return self.truth(states=True)

    # ---- actions

    def log(self, mark):
        extra = self.rng.choice([None, None, ["type"], ["context", "i"], ["event"], ["output"]])
        return ["log", mark, extra]

    def action(self):
        r = self.rng
        kind = r.randrange(12)
        if kind < 5:
            return ["assign", self.assignment()]
        if kind < 7 and self.one_in(3):
            return ["raise", r.choice(EVENTS), r.choice([None, ["mod", self.integer()]])]
        if kind == 7:
            return ["emit", r.choice(["OUT", "NEWS"]), ["mod", self.integer()]]
        if kind == 8 and self.actions_named:
            return ["named", r.choice(list(self.actions_named)), *r.choice([[], [True]])]
        if kind == 9:
            return ["delayed", r.choice(EVENTS), r.choice(DELAYS), None]
        self.marks += 1
        return self.log("x%d" % self.marks)

    def some_actions(self, mark):
        made = [self.log(mark)] if mark else []
        made += [self.action() for _ in range(self.rng.choice([0, 0, 1, 2]))]
        return made

    # ---- states

    def key(self):
        self.keys += 1
        return "s%d" % self.keys

    def state(self, depth, top=False):
        r = self.rng
        self.left -= 1
        made = {"key": self.key(), "states": []}
        if depth == 0 or self.left <= 0:
            made["kind"] = "final" if not top and self.one_in(4) else "atomic"
            return made
        kind = r.choice(["compound", "compound", "parallel"] if top else ["atomic", "compound", "compound", "parallel", "parallel", "final"])
        made["kind"] = kind
        if kind in ("atomic", "final"):
            return made
        count = r.choice([1, 2, 2, 3]) if kind == "parallel" else r.choice([2, 2, 3, 3, 4])
        made["states"] = [self.state(depth - 1) for _ in range(count)]
        if kind == "parallel":
            self.no_final_regions(made)
        if kind == "compound":
            made["initial"] = r.choice(made["states"])["key"]
        if self.one_in(2):
            made["states"].insert(r.randrange(len(made["states"])), self.history(made))
        return made

    def no_final_regions(self, parallel):
        """XState takes a final region for ended before it is entered, and so tells the end of the parallel state
        too early: there are none here."""
        for child in parallel["states"]:
            if child["kind"] == "final":
                child["kind"] = "atomic"

    def history(self, parent):
        r = self.rng
        made = {"key": self.key(), "kind": "history", "deep": self.one_in(2), "states": []}
        siblings = [child["key"] for child in parent["states"]]
        if self.one_in(2):
            made["target"] = r.choice(siblings)
        return made

    # ---- transitions

    def region_targets(self):
        """Targets in different regions of one parallel state."""
        parallels = [path for path in self.paths if self.by_path[tuple(path)]["kind"] == "parallel"]
        if not parallels:
            return None
        above = self.rng.choice(parallels)
        regions = [s for s in self.by_path[tuple(above)]["states"] if s["kind"] != "history"]
        if len(regions) < 2:
            return None
        chosen = self.rng.sample(regions, self.rng.randrange(2, len(regions) + 1))
        return [self.rng.choice([p for p in self.paths if p[: len(above) + 1] == [*above, region["key"]]]) for region in chosen]

    def transition(self, guarded=False, event=True):
        r = self.rng
        made = {"actions": []}
        kind = r.randrange(12)
        targets = self.region_targets() if kind == 0 else None
        if targets is None and kind < (9 if event else 11):
            targets = [r.choice(self.paths[1:] or self.paths)]
        if targets is not None:
            made["targets"] = targets
            made["style"] = r.choice(["id", "relative"])
            if self.one_in(4):
                made["reenter"] = True
        if guarded or self.one_in(3):
            made["guard"] = self.guard()
        if self.one_in(6):
            made["patch"] = self.assignment()
        self.marks += 1
        made["actions"] = self.some_actions("t%d" % self.marks if not self.one_in(8) else None)
        return made

    def transition_list(self, guarded=False, event=True):
        made = [self.transition(True, event) for _ in range(self.rng.choice([0, 0, 0, 1]))]
        return made + [self.transition(guarded, event)]

    def dress(self, path, state):
        """Gives a state what is not structure."""
        r = self.rng
        name = ".".join(path) or "m"
        state["entry"], state["exit"] = self.some_actions("+" + name), self.some_actions("-" + name)
        if state["kind"] == "final":
            if self.one_in(2):
                state["output"] = ["mod", self.integer()]
            return
        descriptors = r.sample(sorted(set(DESCRIPTORS)), r.choice([0, 1, 2, 2, 3]))
        state["on"] = [[d, self.transition_list()] for d in descriptors]
        if self.one_in(5):
            state["always"] = self.transition_list(True, False)
        if self.one_in(5):
            delays = sorted(r.sample([0, 10, 20, 30, 50], r.choice([1, 1, 2])))
            names = [n for n in self.delays if self.one_in(3)]
            state["after"] = [[d, self.transition_list()] for d in [*delays, *names]]
        if path and state["kind"] in ("compound", "parallel") and self.one_in(2):
            state["onDone"] = self.transition_list()
        if self.one_in(8):
            self.invokes += 1
            state["invoke"] = [{"id": "i%d" % self.invokes, "input": ["mod", self.integer()] if self.one_in(2) else None,
                                "onDone": self.transition_list() if self.one_in(2) else [],
                                "onError": self.transition_list() if self.one_in(2) else []}]  # fmt: skip
        if self.one_in(8):  # a timer of its own, which goes with the state
            self.timers += 1
            state["entry"].append(["delayed", r.choice(EVENTS), r.choice(DELAYS), "d%d" % self.timers])
            state["exit"].append(["cancel", "d%d" % self.timers])
        if state["kind"] == "compound" and self.one_in(4):
            self.marks += 1
            state["initial_actions"] = self.some_actions("i%d" % self.marks)

    def machine(self):
        root = self.state(self.rng.choice([1, 2, 3, 4]), top=True)
        root["key"] = "m"
        self.paths = [path for path, _ in states_of(root)]
        self.by_path = {tuple(path): state for path, state in states_of(root)}
        self.guards, self.actions_named, self.delays = {}, {}, {}
        self.guards = {"g%d" % n: self.truth(states=True) for n in range(self.rng.choice([0, 0, 1, 2]))}
        self.actions_named = {"do%d" % n: self.action() for n in range(self.rng.choice([0, 0, 1, 2]))}
        if self.one_in(4):
            self.delays["D"] = self.rng.choice([15, ["?", self.truth(1), ["int", 10], ["int", 40]]])
        for path, state in states_of(root):
            if state["kind"] != "history":
                self.dress(path, state)
        if self.one_in(2):
            root["output"] = ["output"] if self.one_in(2) else ["mod", self.integer()]
        context = {"i": self.rng.randrange(4), "j": 0, "t": "", "l": []}
        return {"root": root, "context": context, "guards": self.guards, "actions": self.actions_named,
                "delays": self.delays}  # fmt: skip

    def steps(self, machine):
        r = self.rng
        invokes = [invoke["id"] for _, state in states_of(machine["root"]) for invoke in state.get("invoke", ())]
        made = []
        for _ in range(r.choice([3, 6, 10, 14])):
            kind = r.randrange(10)
            if kind < 2:
                made.append({"advance": r.choice([5, 10, 20, 35, 100])})
            elif kind < 4 and invokes:
                failed = self.one_in(3)
                made.append({"answer": r.choice(invokes), "failed": failed,
                             "data": {"message": "no"} if failed else r.randrange(5)})  # fmt: skip
            else:
                made.append({"send": {"type": r.choice(EVENTS), **({} if self.one_in(4) else {"n": r.randrange(-2, 6)})}})
        return made


def case_of(seed):
    maker = Maker(seed)
    machine = maker.machine()
    return {"seed": seed, "model": machine, "steps": maker.steps(machine)}
