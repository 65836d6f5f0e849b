"""players.py: the two sides, each a process that reads cases and writes transcripts, a line each, and what makes
two transcripts the same."""
import json
import subprocess
import threading

from model import spellings


REFUSED = "all of it"


class Player:
    """One process; what it is given is answered in order."""

    def __init__(self, command, **options):
        self.command, self.options, self.process = command, options, None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **self.options)

    def play(self, lines):
        """The answers to the lines; None for one that it died of."""
        answers = []
        while len(answers) < len(lines):
            answers += self.stream(lines[len(answers) :])
            if len(answers) < len(lines):
                answers.append(None)
        return answers

    def stream(self, lines):
        """The answers up to the line that it dies of."""
        if self.process is None:
            self.start()
        writer = threading.Thread(target=self.write, args=(self.process, lines), daemon=True)
        writer.start()
        answers = []
        for _ in lines:
            line = self.process.stdout.readline()
            if not line:
                break
            answers.append(json.loads(line))
        if len(answers) < len(lines):
            self.stop()
        writer.join()
        return answers

    @staticmethod
    def write(process, lines):
        try:
            for line in lines:
                process.stdin.write(line + "\n")
            process.stdin.flush()
        except OSError:
            pass  # it died: play() sees it

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def line_of(number, case):
    ours, theirs = spellings(case["model"])
    return json.dumps({"id": number, "machine": ours, "xstate": theirs, "steps": case["steps"]})


def normal(entry):
    """An entry without what is no part of the comparison."""
    kept = {key: entry[key] for key in ("status", "context", "log", "emit", "tasks", "taken", "output") if key in entry}
    if "state" in entry:
        kept["state"] = sorted(entry["state"])
    return kept


def difference(case, ours, theirs):
    """Where the two part: (place, our entry, their entry), or None."""
    for side in (ours, theirs):
        if side is None or "refused" in side:
            return REFUSED, ours, theirs
    a, b = [[normal(entry) for entry in side["transcript"]] for side in (ours, theirs)]
    has_output = case["model"]["root"].get("output") is not None
    for n in range(max(len(a), len(b))):
        one, other = a[n] if n < len(a) else None, b[n] if n < len(b) else None
        if not has_output:  # XState has none then; ours is that of the final state
            for entry in (one, other):
                if entry is not None:
                    entry.pop("output", None)
        if one != other:
            return "start" if n == 0 else "step %d: %s" % (n, json.dumps(case["steps"][n - 1])), one, other
    return None


# Where we part from XState on purpose: name, and whether it is why these two entries differ.
RULES = [
    ("entered twice", lambda ours, theirs: theirs.get("twice")),  # fsm/README.md
    ("XState's configuration is illegal", lambda ours, theirs: theirs.get("illegal")),  # fsm/README.md
    ("eventless transitions out of document order", lambda ours, theirs: theirs.get("disorder")),
    ("delay 0 while others are due", lambda ours, theirs: theirs.get("tie")),  # fsm/session.h: it is the next event
]


def rule_of(case, ours, theirs):
    """The name of the rule that explains the difference, or None."""
    place, one, other = difference(case, ours, theirs)
    if place == REFUSED:
        return None
    last = min(int(place.split(":")[0][5:]) if place != "start" else 0, len(theirs["transcript"]) - 1)
    here = theirs["transcript"][last]
    return next((name for name, explains in RULES if explains(one, here)), None)


def without_end(ours):
    """Events with no delay that send more of their kind: the limit of waiting events stopped it (fsm/session.h)."""
    return bool(ours) and ours.get("text", "").endswith("events wait")


class Match:
    """Both sides at work on the same cases."""

    def __init__(self, ours, theirs):
        self.players = [ours, theirs]

    def play(self, cases, loops=1):
        """A pair of transcripts for each case; None for one that was left out. Those without end on our side are
        not given to the other, which would not come back; of those that end as an endless loop of one step,
        which takes it a second, only every loops-th."""
        lines = [line_of(n, case) for n, case in enumerate(cases)]
        ours = self.players[0].play(lines)
        ends = [n for n, side in enumerate(ours) if side and "transcript" in side and side["transcript"][-1]["status"] == "loop"]
        left_out = {n for place, n in enumerate(ends) if place % loops} | {n for n, side in enumerate(ours) if without_end(side)}
        asked = [n for n in range(len(cases)) if n not in left_out]
        theirs = dict(zip(asked, self.players[1].play([lines[n] for n in asked])))
        return [None if n in left_out else (ours[n], theirs[n]) for n in range(len(cases))]

    def stop(self):
        for player in self.players:
            player.stop()
