"""model.py: a machine as a tree of plain lists and dicts, and its two spellings.

A model is data (JSON), so that it can be cut down and kept. An expression is a list [operator, …]; it is printed
as CEL for us and as JavaScript for XState. Both print what is total: no evaluation of them can fail.

  state       {"key", "kind": atomic | compound | parallel | final | history, "states": [state], "initial"?: key,
               "initial_actions"?: [action], "deep"?, "target"?: key, "on": [[descriptor, [transition]]],
               "after": [[delay, [transition]]], "always", "onDone": [transition], "entry", "exit": [action],
               "invoke": [{"id", "input"?, "onDone", "onError": [transition]}], "output"?: expression}
  transition  {"targets"?: [path], "style": id | relative, "reenter"?, "guard"?, "actions": [action], "patch"?: {field: expression}}
  guard       expression | ["named", name] | ["and" | "or", [guard]] | ["not", guard] | ["stateIn", path]
  action      ["log", text, expression | None] | ["assign", {field: expression}] | ["raise", event, expression | None]
              | ["delayed", event, delay, id | None] | ["cancel", id] | ["emit", event, expression] | ["named", name]
  machine     {"root": state, "context": {field: value}, "guards": {name: guard}, "actions": {name: action},
               "delays": {name: expression | milliseconds}}

Paths are lists of keys below the root.
"""

# ---- expressions ------------------------------------------------------------------------------------

# operator: (CEL, JavaScript), {0} {1} {2} being the operands
OPERATORS = {
    "+": ("({0} + {1})", "({0} + {1})"),
    "-": ("({0} - {1})", "({0} - {1})"),
    "*": ("({0} * {1})", "({0} * {1})"),
    "mod": ("(({0}) % 97)", "(({0}) % 97 + 0)"),  # + 0: JavaScript's -0
    "<": ("({0} < {1})", "({0} < {1})"),
    "<=": ("({0} <= {1})", "({0} <= {1})"),
    "==": ("({0} == {1})", "({0} === {1})"),
    "!=": ("({0} != {1})", "({0} !== {1})"),
    "&&": ("({0} && {1})", "({0} && {1})"),
    "||": ("({0} || {1})", "({0} || {1})"),
    "!": ("(!{0})", "(!{0})"),
    "?": ("({0} ? {1} : {2})", "({0} ? {1} : {2})"),
    "size": ("size({0})", "{0}.length"),
    "in": ("({0} in {1})", "{1}.includes({0})"),
    "append": ("(size({0}) < 4 ? {0} + [{1}] : [{1}])", "({0}.length < 4 ? [...{0}, {1}] : [{1}])"),
    "starts": ("{0}.startsWith({1})", "{0}.startsWith({1})"),
    "join": ("(size({0}) < 6 ? {0} + {1} : {1})", "({0}.length < 6 ? {0} + {1} : {1})"),
    "event": ("(has(event.n) ? event.n : 0)", "(event.n !== undefined ? event.n : 0)"),
    "output": (
        "(has(event.output) && event.output != null ? event.output : 0 - 1)",
        "(event.output !== undefined && event.output !== null ? event.output : 0 - 1)",
    ),
    "type": ("event.type", "event.type"),
    "all": ("{0}.all(x, x < {1})", "{0}.every((x) => x < {1})"),
    "exists": ("{0}.exists(x, x == {1})", "{0}.some((x) => x === {1})"),
}


def text_of(expression, side):
    """side: 0 CEL, 1 JavaScript"""
    operator, *operands = expression
    if operator == "int":
        return str(operands[0]) if operands[0] >= 0 else "(0 - %d)" % -operands[0]
    if operator == "text":
        return "'%s'" % operands[0]
    if operator == "bool":
        return "true" if operands[0] else "false"
    if operator == "context":
        return "context." + operands[0]
    if operator == "In":
        return "In('%s')" % ".".join(operands[0])
    return OPERATORS[operator][side].format(*(text_of(operand, side) for operand in operands))


# ---- definitions ------------------------------------------------------------------------------------


class Printer:
    """One of the two spellings of a machine."""

    def __init__(self, side):
        self.side = side

    def expression(self, expression):
        return {("@expr", "@js")[self.side]: text_of(expression, self.side)}

    def guard(self, guard):
        kind = guard[0]
        if kind == "named":
            return guard[1]
        if kind in ("and", "or"):
            return {"type": "@xstate." + kind, "guards": [self.guard(g) for g in guard[1]]}
        if kind == "not":
            return {"type": "@xstate.not", "guard": self.guard(guard[1])}
        if kind == "stateIn":
            return {"type": "@xstate.stateIn", "stateValue": "#" + ".".join(["m", *guard[1]])}
        return self.expression(guard)

    def fields(self, fields):
        return {name: self.expression(expression) for name, expression in fields.items()}

    def event(self, name, expression):
        return {"type": name, **({} if expression is None else {"n": self.expression(expression)})}

    def action(self, action):
        kind = action[0]
        if kind == "log":
            extra = [] if action[2] is None else [self.expression(action[2])]
            return {"type": "@xstate.log", "args": [action[1], *extra]}
        if kind == "assign":
            return {"type": "@xstate.assign", "context": self.fields(action[1])}
        if kind == "raise":
            return {"type": "@xstate.raise", "event": self.event(action[1], action[2])}
        if kind == "delayed":
            made = {"type": "@xstate.raise", "event": {"type": action[1]}, "delay": action[2]}
            return made if action[3] is None else {**made, "id": action[3]}
        if kind == "cancel":
            return {"type": "@xstate.cancel", "id": action[1]}
        if kind == "emit":
            return {"type": "@xstate.emit", "event": self.event(action[1], action[2])}
        return {"type": action[1]} if len(action) > 2 else action[1]

    def actions(self, actions):
        return [self.action(action) for action in actions]

    def target(self, path, source, style):
        """A path as seen from the source's path."""
        if style == "relative" and path != source:
            if path[: len(source)] == source:
                return "." + ".".join(path[len(source) :])
            if source and path[: len(source) - 1] == source[:-1] and path != source[:-1]:
                return ".".join(path[len(source) - 1 :])
        return "#" + ".".join(["m", *path])

    def transition(self, transition, source):
        out = {}
        targets = transition.get("targets")
        if targets:
            texts = [self.target(path, source, transition.get("style")) for path in targets]
            out["target"] = texts[0] if len(texts) == 1 else texts
        if transition.get("reenter"):
            out["reenter"] = True
        if "guard" in transition:
            out["guard"] = self.guard(transition["guard"])
        if transition.get("patch"):
            out["context"] = self.fields(transition["patch"])
        if transition.get("actions"):
            out["actions"] = self.actions(transition["actions"])
        return out

    def transitions(self, transitions, source):
        return [self.transition(transition, source) for transition in transitions]

    def state(self, state, path):
        out = {}
        kind = state["kind"]
        if kind in ("parallel", "final", "history"):
            out["type"] = kind
        if kind == "history":
            out["history"] = "deep" if state.get("deep") else "shallow"
            if state.get("target"):
                out["target"] = state["target"]
            return out
        if kind == "compound":
            out["initial"] = state["initial"]
            if state.get("initial_actions"):
                out["initial"] = {"target": state["initial"], "actions": self.actions(state["initial_actions"])}
        for key in ("entry", "exit"):
            if state.get(key):
                out[key] = self.actions(state[key])
        for key in ("on", "after"):
            if state.get(key):
                out[key] = {str(name): self.transitions(list_, path) for name, list_ in state[key]}
        for key in ("always", "onDone"):
            if state.get(key):
                out[key] = self.transitions(state[key], path)
        if state.get("invoke"):
            out["invoke"] = [self.invoke(invoke, path) for invoke in state["invoke"]]
        if state.get("output") is not None:
            out["output"] = self.expression(state["output"])
        if state.get("states"):
            out["states"] = {child["key"]: self.state(child, [*path, child["key"]]) for child in state["states"]}
        return out

    def invoke(self, invoke, path):
        out = {"src": "svc", "id": invoke["id"]}
        if invoke.get("input") is not None:
            out["input"] = self.expression(invoke["input"])
        for key in ("onDone", "onError"):
            if invoke.get(key):
                out[key] = self.transitions(invoke[key], path)
        return out

    def machine(self, machine):
        out = {"id": "m", "context": machine["context"], **self.state(machine["root"], [])}
        if machine.get("guards"):
            out["guards"] = {name: self.guard(guard) for name, guard in machine["guards"].items()}
        if machine.get("actions"):
            out["actions"] = {name: self.action(action) for name, action in machine["actions"].items()}
        if machine.get("delays"):
            out["delays"] = {
                name: self.expression(delay) if isinstance(delay, list) else delay
                for name, delay in machine["delays"].items()
            }
        return out


def spellings(machine):
    return Printer(0).machine(machine), Printer(1).machine(machine)


# ---- walking ----------------------------------------------------------------------------------------


def states_of(root, path=()):
    """(path, state) of all states, root first, in document order."""
    yield list(path), root
    for child in root.get("states", ()):
        yield from states_of(child, (*path, child["key"]))


def transition_lists(state):
    """(what it hangs on, list of transitions) of a state."""
    for key in ("on", "after"):
        for pair in state.get(key, ()):
            yield pair, pair[1]
    for key in ("always", "onDone"):
        if state.get(key):
            yield state, state[key]
    for invoke in state.get("invoke", ()):
        for key in ("onDone", "onError"):
            if invoke.get(key):
                yield invoke, invoke[key]
