"""oracle.py: what each sink has, held against the journal: nothing missing, nothing altered, order kept.

A record may come more than once (at least once is promised), but its first coming is in the order of the
chain; what is marked as a repair may come at any time.
"""
import os
import struct

from journal import leaf_of
from journal_docs import digest, parse, plain


class Account:
    """What one sink was given, record by record in its order."""

    def __init__(self, name, journal, wanted=None):
        self.name, self.journal, self.wanted = name, journal, wanted
        self.seen, self.newest = set(), 0
        self.records, self.duplicates, self.repairs = 0, 0, 0
        self.faults, self.missing = [], []
        self.before = None
        if wanted is not None:
            self.before = dict(zip(wanted, [0] + wanted[:-1]))

    def fault(self, text):
        if len(self.faults) < 10:
            self.faults.append("%s: %s" % (self.name, text))

    def take(self, seq, where, repair=False):
        """False: the journal has no such record."""
        self.records += 1
        if not 0 < seq <= self.journal.seq:
            self.fault("%s has record %d, the journal ends at %d" % (where, seq, self.journal.seq))
            return False
        if self.before is not None and seq not in self.before:
            self.fault("%s has record %d, which no route gives it" % (where, seq))
        self.repairs += repair
        if seq in self.seen:
            self.duplicates += not repair
        elif not repair and seq < self.newest:
            self.fault("%s has record %d for the first time behind record %d" % (where, seq, self.newest))
        if not repair:
            self.newest = max(self.newest, seq)
        self.seen.add(seq)
        return True

    def take_document(self, document, where):
        """A record as JSON; what the sink adds to it is looked at and taken off."""
        seq, repair, after = document.get("seq"), document.pop("repair", False), document.pop("after", None)
        if not isinstance(seq, int) or not self.take(seq, where, repair):
            return
        if digest(document) != self.journal.digests[seq - 1]:
            self.fault("%s has another record %d than the journal" % (where, seq))
        if self.before is not None and not repair and (seq - 1 if after is None else after) != self.before.get(seq):
            self.fault("%s: record %d comes after %s, it says, not after %s" % (where, seq, after, self.before.get(seq)))
        if self.before is None and after is not None:
            self.fault("%s: record %d comes after %s, it says, although all come" % (where, seq, after))

    def end(self):
        wanted = self.wanted if self.wanted is not None else range(1, self.journal.seq + 1)
        self.missing = [seq for seq in wanted if seq not in self.seen]
        return self

    def complaint(self):
        if self.missing:
            some = ", ".join(map(str, self.missing[:8]))
            return self.faults + ["%s: %d records are missing: %s …" % (self.name, len(self.missing), some)]
        return self.faults


# ---- where sinks write --------------------------------------------------------------------------------


def file_parts(directory, name):
    """The files of a sink in their order, the open one last."""
    names = os.listdir(directory) if os.path.isdir(directory) else []
    ours = sorted(n for n in names if n.startswith(name + "-"))
    ours.sort(key=lambda n: n.startswith(name + "-current."))
    return [os.path.join(directory, n) for n in ours], [n for n in names if n.startswith("aside-")]


def read_files(account, directory, take):
    parts, aside = file_parts(directory, account.name)
    if aside:
        account.fault("files were set aside")
    for path in parts:
        with open(path, "rb") as file:
            take(account, file.read(), os.path.basename(path))
    return account.end()


def take_lines(account, data, where):
    if data and not data.endswith(b"\n"):
        account.fault(where + " ends within a line")
    for number, line in enumerate(data.split(b"\n")[:-1]):
        account.take_document(parse(line), "%s:%d" % (where, number + 1))


def take_stored(account, data, where):
    at = 0
    while at + 4 <= len(data):
        size, = struct.unpack_from("<I", data, at)
        stored = data[at + 4 : at + 4 + size]
        seq = account.journal.by_leaf.get(leaf_of(stored))
        if seq is None:
            account.fault("%s at %d: no record of the journal" % (where, at))
        else:
            account.take(seq, where)
        at += 4 + size
    if at != len(data):
        account.fault(where + " ends within a record")


def read_stream(account, messages):
    journal = account.journal
    for number, message in enumerate(messages):
        where, headers = "message %d" % (number + 1), message.headers
        document, repair = parse(message.data), headers.get("Fsm-Repair") == "1"
        seq = document.get("seq", 0)
        id = "%s.%d" % (journal.reader.origin, seq)
        if document.get("repair", False) != repair or headers.get("Fsm-Seq") != str(seq):
            account.fault("%s: headers and payload differ" % where)
        if headers.get("Nats-Msg-Id", "").rpartition(".r")[0 if repair else 2] != id:
            account.fault("%s: record %d has the id %s" % (where, seq, headers.get("Nats-Msg-Id")))
        account.take_document(document, where)
        if not 0 < seq <= journal.seq:
            continue
        if headers.get("Fsm-Leaf") != journal.leaves[seq - 1].hex() or headers.get("Fsm-Prev") != journal.prevs[seq - 1].hex():
            account.fault("%s: leaf or prev of record %d are not those of the journal" % (where, seq))
        if headers.get("Fsm-After") != str(seq - 1):
            account.fault("%s: record %d comes after %s, it says" % (where, seq, headers.get("Fsm-After")))
    return account.end()


def read_documents(account, documents, index_of):
    """Documents have no order, and one id once."""
    for id, (index, document) in sorted(documents.items(), key=lambda item: item[1][1]["seq"]):
        seq = document["seq"]
        if id != "%s.%d" % (account.journal.reader.origin, seq) or index != index_of(document["time"]):
            account.fault("record %d is document %s in index %s" % (seq, id, index))
        account.take_document(plain(document), id)
    return account.end()
