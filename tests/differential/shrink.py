"""shrink.py: the smallest case that still differs: cut a piece, keep the cut if they still part, until no cut holds."""
import copy

from model import states_of, transition_lists

ACTION_LISTS = ("entry", "exit", "initial_actions")


def drop(case, change):
    """A copy that was changed; None when the change does not apply."""
    made = copy.deepcopy(case)
    return made if change(made) is not False else None


def state_at(case, path):
    state = case["model"]["root"]
    for key in path:
        state = next(child for child in state["states"] if child["key"] == key)
    return state


def silent(guard, gone):
    """The guard with false for what it asks about states that are gone."""
    if not isinstance(guard, list) or not guard:
        return guard
    if guard[0] in ("In", "stateIn") and gone(guard[1]):
        return ["bool", False]
    return [silent(part, gone) for part in guard]


def forget(case, path):
    """No transition, guard or history speaks of the state at the path, or of one below it."""

    def gone(target):
        return target[: len(path)] == path

    for name, guard in case["model"]["guards"].items():
        case["model"]["guards"][name] = silent(guard, gone)
    for _, state in states_of(case["model"]["root"]):
        for _, transitions in transition_lists(state):
            for transition in transitions:
                if "guard" in transition:
                    transition["guard"] = silent(transition["guard"], gone)
            transitions[:] = [t for t in transitions if not any(gone(target) for target in t.get("targets", ()))]
        for child in state["states"]:
            if child["kind"] == "history" and child.get("target") == path[-1] and state is state_at(case, path[:-1]):
                del child["target"]


def without_state(path):
    def change(case):
        parent = state_at(case, path[:-1])
        real = [child for child in parent["states"] if child["kind"] != "history"]
        if len(real) == 1 and real[0]["key"] == path[-1]:
            return False
        forget(case, path)
        parent["states"] = [child for child in parent["states"] if child["key"] != path[-1]]
        if parent.get("initial") == path[-1]:
            parent["initial"] = next(child["key"] for child in parent["states"] if child["kind"] != "history")
        return True

    return change


def flattened(path):
    """A state with children becomes atomic."""

    def change(case):
        state = state_at(case, path)
        if not path or state["kind"] not in ("compound", "parallel"):
            return False
        for child in list(state["states"]):
            forget(case, [*path, child["key"]])
        state.update(kind="atomic", states=[], initial=None, onDone=[])
        state.pop("initial_actions", None)
        return True

    return change


def cuts_of_transition(path, which, number, index):
    def at(case):
        return list(transition_lists(state_at(case, path)))[which][1]

    def remove(case):
        del at(case)[index]

    def without(key):
        def change(case):
            return at(case)[index].pop(key, None) is not None

        return change

    def fewer_targets(case):
        targets = at(case)[index].get("targets", [])
        if len(targets) < 2:
            return False
        targets.pop()

    def fewer_actions(case):
        actions = at(case)[index].get("actions", [])
        if not actions:
            return False
        actions.pop()

    def by_id(case):
        t = at(case)[index]
        if t.get("style") != "relative":
            return False
        t["style"] = "id"

    yield remove
    for key in ("guard", "patch", "reenter", "actions"):
        yield without(key)
    yield fewer_targets
    yield fewer_actions
    yield by_id


def cuts_of_state(case, path):
    state = state_at(case, path)
    if path:
        yield without_state(path)
        yield flattened(path)
    for key in ("on", "after", "always", "onDone", "invoke", "output", *ACTION_LISTS):
        if state.get(key):
            yield lambda c, key=key: state_at(c, path).pop(key)
    for key in ("on", "after", "invoke", *ACTION_LISTS):
        for index in range(len(state.get(key) or ())):
            yield lambda c, key=key, index=index: state_at(c, path)[key].pop(index)
    for which, (_, transitions) in enumerate(transition_lists(state)):
        for index in range(len(transitions)):
            yield from cuts_of_transition(path, which, len(transitions), index)


def cuts(case):
    for index in reversed(range(len(case["steps"]))):
        yield lambda c, index=index: c["steps"].pop(index)
    for path, _ in states_of(case["model"]["root"]):
        yield from cuts_of_state(case, path)
    for key in ("guards", "actions", "delays"):
        for name in case["model"][key]:
            yield lambda c, key=key, name=name: c["model"][key].pop(name)


def tidy(case):
    """Lists that became empty go; always and after without transitions mean something else to some."""
    for _, state in states_of(case["model"]["root"]):
        for key in ("on", "after"):
            if state.get(key):
                state[key] = [pair for pair in state[key] if pair[1]]
    return case


def smallest(case, differs, tries=15000):
    """differs(list of cases) → list of bool; asked for many at once, since each side works in a stream."""
    while tries > 0:
        made = [tidy(small) for small in (drop(case, change) for change in cuts(case)) if small is not None]
        tries -= len(made)
        for start in range(0, len(made), 16):
            batch = made[start : start + 16]
            found = [small for small, yes in zip(batch, differs(batch)) if yes]
            if found:
                case = min(found, key=lambda small: len(str(small)))
                break
        else:
            return case
    return case
