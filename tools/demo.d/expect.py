#!/usr/bin/env python3
"""How many documents must end in each state, from the data file alone and by none of our code.

usage: expect.py DOCUMENTS [LIMIT]      prints "STATE COUNT" lines, sorted by state
       expect.py DOCUMENTS [LIMIT] -i STATE      prints the ids that must be in STATE, sorted
"""

import json
import sys
from collections import Counter


def state_of(document):
    if document["decision"] == "draft":
        return "draft"
    if "fail" in document["id"]:  # what the review system does not take, it never takes
        return "submissionFailed"
    return {"approve": "approved", "reject": "rejected", "leave": "awaitingApproval"}[document["decision"]]


def main(words):
    wanted = words.pop() if len(words) > 2 and words[-2] == "-i" else None
    if wanted:
        words.pop()
    with open(words[0], encoding="utf-8") as file:
        documents = [json.loads(line) for line in file]
    if len(words) > 1:
        documents = documents[:int(words[1])]
    if wanted:
        lines = sorted(d["id"] for d in documents if state_of(d) == wanted)
    else:
        lines = ["%s %d" % pair for pair in sorted(Counter(map(state_of, documents)).items())]
    for line in lines:
        print(line)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
