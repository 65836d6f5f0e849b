"""rules.py: what the charts of tests/seeded say, by hand: which events a leaf takes and who may send them, which
states are final, failed, or have a time to be left in.
"""
import told

DAY = 86400 * 10**9
APPROVERS = "('approver' in actor.roles) || ('director' in actor.roles)"
DIRECTOR, HANDLER, AGENT = "'director' in actor.roles", "actor.sub == context.handler", "'agent' in actor.roles"
ALLOWS = {
    APPROVERS: lambda actor, context: bool({"approver", "director"} & set(actor.get("roles", ()))),
    DIRECTOR: lambda actor, context: "director" in actor.get("roles", ()),
    AGENT: lambda actor, context: "agent" in actor.get("roles", ()),
    HANDLER: lambda actor, context: actor.get("sub") == context["handler"],
}
SMALL = ("context.amount < 10000", lambda context: context["amount"] < 10000)

# (machine, leaf): events in the order of the chart: name, guard, allow.
EVENTS = {
    ("loan", "draft"): [("SUBMIT", None, None)],
    ("loan", "review"): [("APPROVE", SMALL, APPROVERS), ("REJECT", None, APPROVERS), ("ESCALATE", None, APPROVERS)],
    ("loan", "board"): [("APPROVE", None, DIRECTOR), ("REJECT", None, DIRECTOR)],
    ("loan", "payout.transfer.sending"): [("SENT", None, None)],
    ("loan", "payout.letter.printing"): [("PRINTED", None, None)],
    ("claim", "intake"): [("ASSIGN", None, None)],
    ("claim", "assess"): [("SETTLE", None, HANDLER), ("DENY", None, HANDLER), ("MISLAY", None, HANDLER)],
    ("order", "cart"): [("PLACE", None, None)],
    ("order", "packing"): [("PACKED", None, None)],
    ("order", "unpaid"): [("AGAIN", None, None)],
    ("ticket", "open"): [("REPLY", None, AGENT)],
    ("ticket", "waiting"): [("ANSWER", None, None), ("CLOSE", None, None)],
}
FINAL = {
    "loan": {"closed", "rejected", "lapsed", "payout.transfer.sent", "payout.letter.printed"},
    "claim": {"settled", "denied"}, "order": {"shipped", "expired"}, "payment": {"captured"}, "ticket": {"closed"},
}  # fmt: skip
FAILED = {("claim", "denied"), ("order", "expired")}
SLA = {("loan", "review"): 2 * DAY, ("loan", "board"): 5 * DAY, ("claim", "assess"): 3 * DAY, ("order", "packing"): DAY, ("ticket", "open"): DAY}
AFTER = {"xstate.after.P21D.draft": ("draft", "lapsed"), "xstate.after.P14D.cart": ("cart", "expired")}


def events(one):
    """All that its leaves take."""
    return [e for leaf in one.state for e in EVENTS.get((one.machine, leaf), ())] if one.open() else []


def prospects(one):
    """Those that may be taken: no guard is surely false."""
    return [e for e in events(one) if e[1] is None or e[1][1](one.context)]


def sla(one):
    """(due, state), the earliest; None."""
    found = [(one.since[p] + SLA[one.machine, p], p) for p in one.since if (one.machine, p) in SLA] if one.open() else []
    return min(found) if found else None


def failed(one):
    return one.status == "incident" or (one.status == "completed" and any((one.machine, leaf) in FAILED for leaf in one.state))


def people_who_may(allow, one, people):
    return [actor for actor in people if ALLOWS[allow](actor, one.context)]


def name(to):
    """Of the instance that an address names by itself; here no child is called like an instance."""
    return to.removeprefix("#_scxml_").removeprefix("#_")


class Rules:
    """Of all instances: needs who is known, and whose parent waits."""

    def __init__(self, all_told):
        self.told = all_told
        self.people = [act for _, _, act in sorted(all_told.people.values(), key=lambda p: -p[0])]
        self.children = {t["child"]: (one, t) for one in all_told.instances if one.tasks for t in one.tasks.values() if "child" in t}
        self.inbound = {name(s["to"]) for one in all_told.instances for s in (one.sends or {}).values() if s["kind"] == "event" and s["to"] != "#_parent"}
        self.parents = {}  # of a child's record `parent`: whose it is, for ever

    def pending(self, one):
        return bool(one.timers or one.tasks or one.sends) or one.id in self.children or one.id in self.inbound

    def kinds(self, one, now, silent_ns=None):
        """In the order in which they are told."""
        out = []
        due = sla(one)
        if due and due[0] <= now:
            out.append("sla")
        alive = one.status in ("running", "paused")
        may = prospects(one)
        pending = self.pending(one)
        if alive and may and not pending and not any(a is None or people_who_may(a, one, self.people) for _, _, a in may):
            out.append("orphan")
        if alive and not may and not pending:
            out.append("dead")
        if failed(one):
            out.append("failed")
        if silent_ns is not None and one.open() and not pending and one.updated <= now - silent_ns:
            if not one.refused or self.told.time[one.refused[-1] - 1] <= now - silent_ns:
                out.append("silent")
        return out

    def waits(self, one):
        """(what, name, due): tasks, timers, messages by their ids, then events."""
        out = [("child" if t["service"] == "machine" else "task", t["id"] if t["service"] == "machine" else t["service"], None)
               for _, t in sorted((one.tasks or {}).items())]  # fmt: skip
        out += [("timer", event, due) for _, (event, due, _) in sorted((one.timers or {}).items())]
        out += [("message", s.get("event") or s["kind"], s.get("due")) for _, s in sorted((one.sends or {}).items())]
        return out + [("event", name, None) for name, _, _ in prospects(one)]

    def who(self, one):
        may = prospects(one)
        allows = list(dict.fromkeys(a for _, _, a in may if a))
        out = {"anybody": any(a is None for _, _, a in may)}
        if allows:
            out["allow"] = allows
            people = [p["sub"] for p in self.people if any(ALLOWS[a](p, one.context) for a in allows)]
            out["people"] = people[:8]
            if len(people) > 8:
                out["more"] = len(people) - 8
        return out

    @staticmethod
    def may(allow, actor, one):
        return ALLOWS[allow](actor, one.context)

    def verdict(self, one, now):
        if one.status in ("paused", "incident"):
            return one.status
        if one.status != "running":
            return "ended"
        if "dead" in self.kinds(one, now):
            return "dead"
        if any(t["started"] for t in (one.tasks or {}).values()) or any(due <= now for _, due, _ in (one.timers or {}).values()):
            return "moves"
        if self.pending(one) or one.parent:
            return "waits"
        if events(one) and not prospects(one):
            return "refused"
        return "orphan" if "orphan" in self.kinds(one, now) else "waits"


def masked(machine, context):
    return {name: "[masked]" if name in told.MASKED.get(machine, ()) and value is not None else value for name, value in context.items()}
