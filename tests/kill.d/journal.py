"""journal.py: the journal's files (format 1), read by a second hand that shares no code with the first.

Reads on from where it stopped, so that a growing journal is read once. A batch that is followed by
another needs no checksum here: the chain of leaves covers its records. The last one may be torn.
"""
import hashlib
import os
import struct

BLOCK, BATCH_HEAD = 512, 64
DATA, CONFIRM, FOOTER = 1, 2, 4
MAGIC = struct.unpack("<Q", b"FSMBATCH")[0]

# Stored key of each field that is looked at.
FIELDS = {
    0: "v", 1: "seq", 2: "time", 4: "kind", 5: "outcome", 6: "reason", 7: "mach", 9: "defv", 10: "inst", 11: "key", 12: "labels", 13: "rev",
    14: "i", 15: "n", 16: "iprev", 17: "from", 18: "to", 20: "trigger", 21: "cause", 23: "ctx", 26: "since", 28: "timers",
    31: "corr", 34: "idem", 37: "act", 39: "tok", 40: "att", 44: "prev", 45: "detail", 47: "clock",
}  # fmt: skip
KINDS = (
    "created transition context task_started task_done task_failed timer_fired rejected incident_opened "
    "incident_closed paused resumed forced migrated completed cancelled note purged deployed retired "
    "erased admin repaired epoch route"
).split()
OUTCOMES = ("taken", "refused", "failed")


class Damage(Exception):
    pass


# ---- msgpack ----------------------------------------------------------------------------------------

SIZED = {0xC4: ("B", 1, "bin"), 0xC5: (">H", 2, "bin"), 0xC6: (">I", 4, "bin"),
         0xD9: ("B", 1, "str"), 0xDA: (">H", 2, "str"), 0xDB: (">I", 4, "str"),
         0xDC: (">H", 2, "list"), 0xDD: (">I", 4, "list"),
         0xDE: (">H", 2, "map"), 0xDF: (">I", 4, "map"),
         0xC7: ("B", 1, "ext"), 0xC8: (">H", 2, "ext"), 0xC9: (">I", 4, "ext")}  # fmt: skip
NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
           0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}  # fmt: skip


def unpack(data, at=0):
    """One value and where the next begins."""
    first = data[at]
    at += 1
    if first < 0x80:
        return first, at
    if first >= 0xE0:
        return first - 256, at
    if first < 0xC0:
        what = "map" if first < 0x90 else "list" if first < 0xA0 else "str"
        size = first & (0x1F if what == "str" else 0x0F)
    elif first < 0xC4:
        return (None, None, False, True)[first - 0xC0], at
    elif first in NUMBERS:
        form = NUMBERS[first]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    elif first in SIZED:
        form, width, what = SIZED[first]
        size = struct.unpack_from(form, data, at)[0]
        at += width
    else:
        what, size = "ext", 1 << (first - 0xD4)
    if what == "str":
        return data[at : at + size].decode("utf-8"), at + size
    if what == "bin":
        return data[at : at + size], at + size
    if what == "ext":
        return data[at : at + 1 + size], at + 1 + size
    if what == "list":
        items = []
        for _ in range(size):
            item, at = unpack(data, at)
            items.append(item)
        return items, at
    pairs = {}
    for _ in range(size):
        key, at = unpack(data, at)
        pairs[key], at = unpack(data, at)
    return pairs, at


class Record:
    """The fields as attributes; None where absent."""

    __slots__ = tuple(FIELDS.values()) + ("leaf",)

    def __init__(self, data):
        fields, end = unpack(data)
        if end != len(data):
            raise Damage("bytes behind a record")
        for number, name in FIELDS.items():
            setattr(self, name, fields.get(number))
        self.kind = KINDS[self.kind]
        self.outcome = OUTCOMES[self.outcome]
        self.leaf = leaf_of(data)


def leaf_of(data):
    return hashlib.sha256(b"\0" + data).digest()


# ---- segments ---------------------------------------------------------------------------------------


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC = crc_table()


def crc32c(*parts):
    crc = 0xFFFFFFFF
    for part in parts:
        for byte in part:
            crc = crc >> 8 ^ CRC[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


class Reader:
    """Frames of a directory of segments, each once."""

    def __init__(self, directory):
        self.dir, self.ordinal, self.at, self.salt = directory, 1, 0, 0
        self.next_seq, self.leaf, self.number = 1, bytes(32), 0
        self.origin = None

    def path(self, ordinal):
        return os.path.join(self.dir, "%020d.seg" % ordinal)

    def frames(self):
        """Lists of the stored bytes of the records of a command, up to the end of the log as it is now."""
        while os.path.exists(self.path(self.ordinal)):
            with open(self.path(self.ordinal), "rb") as f:
                data = f.read()
            if self.at == 0 and not self.enter(data):
                return
            yield from self.batches(data)
            if not os.path.exists(self.path(self.ordinal + 1)):
                return
            self.ordinal, self.at = self.ordinal + 1, 0

    def enter(self, data):
        if data[:8] != b"FSMLOG\r\n":
            return False  # a spare that was given its name, but no header yet
        version, partition = struct.unpack_from("<II", data, 8)
        epoch, = struct.unpack_from("<I", data, 32)
        ordinal, _, first_seq, first_batch = struct.unpack_from("<QQQQ", data, 40)
        if version != 1 or ordinal != self.ordinal or first_seq != self.next_seq or data[72:104] != self.leaf:
            raise Damage("segment %d does not follow the one before" % self.ordinal)
        if first_batch <= self.number:
            raise Damage("segment %d uses batch numbers again" % self.ordinal)
        self.origin = "%s.%d.%d" % (data[16:32].hex(), partition, epoch)
        self.salt, = struct.unpack_from("<Q", data, 104)
        self.at = BLOCK
        return True

    def head(self, data, at):
        """(length, kind, records, first seq, number) of the batch there, or None."""
        if at + BATCH_HEAD > len(data):
            return None
        magic, number, synced, first_seq, length, _, records, kind = struct.unpack_from("<QQQQIIII", data, at)
        if magic != MAGIC ^ self.salt or length < BATCH_HEAD or at + length > len(data):
            return None
        if synced >= number:
            raise Damage("%d:%d: a batch says that itself is synced" % (self.ordinal, at))
        return length, kind, records, first_seq, number

    def intact(self, data, at, length):
        crc, = struct.unpack_from("<I", data, at + 60)
        return crc == crc32c(data[at : at + 60], bytes(4), data[at + BATCH_HEAD : at + length])

    def batches(self, data):
        while True:
            head = self.head(data, self.at)
            if head is None or head[1] == FOOTER:
                return
            length, kind, records, first_seq, number = head
            after = self.at + (length + BLOCK - 1) // BLOCK * BLOCK
            if self.head(data, after) is None and not self.intact(data, self.at, length):
                return
            if number <= self.number or first_seq != self.next_seq:
                raise Damage("%d:%d: a batch does not follow the one before" % (self.ordinal, self.at))
            if kind == DATA:
                yield from self.payload(data[self.at + BATCH_HEAD : self.at + length], records)
            self.number, self.at = number, after

    def payload(self, data, records):
        at = 0
        while at < len(data):
            length, count = struct.unpack_from("<II", data, at)
            frame, to, end = [], at + 8, at + length
            for _ in range(count):
                size, = struct.unpack_from("<I", data, to)
                frame.append(data[to + 4 : to + 4 + size])
                to += 4 + size
            if to != end or length < 8 + 5:
                raise Damage("a frame and its records are not of the same length")
            self.next_seq += count
            self.leaf = leaf_of(frame[-1])
            records -= count
            at = end
            yield frame
        if records != 0:
            raise Damage("a batch has more or fewer records than it says")
