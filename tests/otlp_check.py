"""Is it an OTLP/HTTP request in the published JSON mapping?

Written from the field definitions of opentelemetry-proto 1.x (common, resource, trace, logs and their collector
services) and the rules of the OTLP specification, "JSON Protobuf Encoding": lowerCamelCase names, 64-bit integers as
decimal strings, enums as integers, trace and span ids as hex in either case, no member that the message does not
have."""

import re

STRING, BOOL, DOUBLE, UINT32, FIXED32, INT64, FIXED64, TRACE, SPAN, BYTES = (
    "string bool double uint32 fixed32 int64 fixed64 trace span bytes".split())


class Enum:
    def __init__(self, low, high):
        self.low, self.high = low, high


class List:
    def __init__(self, of):
        self.of = of


MESSAGES = {
    "AnyValue": {"stringValue": STRING, "boolValue": BOOL, "intValue": INT64, "doubleValue": DOUBLE,
                 "arrayValue": "ArrayValue", "kvlistValue": "KeyValueList", "bytesValue": BYTES},
    "ArrayValue": {"values": List("AnyValue")},
    "KeyValueList": {"values": List("KeyValue")},
    "KeyValue": {"key": STRING, "value": "AnyValue"},
    "InstrumentationScope": {"name": STRING, "version": STRING, "attributes": List("KeyValue"),
                             "droppedAttributesCount": UINT32},
    "Resource": {"attributes": List("KeyValue"), "droppedAttributesCount": UINT32},
    "ExportTraceServiceRequest": {"resourceSpans": List("ResourceSpans")},
    "ResourceSpans": {"resource": "Resource", "scopeSpans": List("ScopeSpans"), "schemaUrl": STRING},
    "ScopeSpans": {"scope": "InstrumentationScope", "spans": List("Span"), "schemaUrl": STRING},
    "Span": {"traceId": TRACE, "spanId": SPAN, "traceState": STRING, "parentSpanId": SPAN, "flags": FIXED32,
             "name": STRING, "kind": Enum(0, 5), "startTimeUnixNano": FIXED64, "endTimeUnixNano": FIXED64,
             "attributes": List("KeyValue"), "droppedAttributesCount": UINT32, "events": List("Event"),
             "droppedEventsCount": UINT32, "links": List("Link"), "droppedLinksCount": UINT32,
             "status": "Status"},
    "Event": {"timeUnixNano": FIXED64, "name": STRING, "attributes": List("KeyValue"),
              "droppedAttributesCount": UINT32},
    "Link": {"traceId": TRACE, "spanId": SPAN, "traceState": STRING, "attributes": List("KeyValue"),
             "droppedAttributesCount": UINT32, "flags": FIXED32},
    "Status": {"message": STRING, "code": Enum(0, 2)},
    "ExportLogsServiceRequest": {"resourceLogs": List("ResourceLogs")},
    "ResourceLogs": {"resource": "Resource", "scopeLogs": List("ScopeLogs"), "schemaUrl": STRING},
    "ScopeLogs": {"scope": "InstrumentationScope", "logRecords": List("LogRecord"), "schemaUrl": STRING},
    "LogRecord": {"timeUnixNano": FIXED64, "observedTimeUnixNano": FIXED64, "severityNumber": Enum(0, 24),
                  "severityText": STRING, "body": "AnyValue", "attributes": List("KeyValue"),
                  "droppedAttributesCount": UINT32, "flags": FIXED32, "traceId": TRACE, "spanId": SPAN,
                  "eventName": STRING},
}


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def fault_of_scalar(kind, value):
    if isinstance(kind, Enum):
        return None if is_integer(value) and kind.low <= value <= kind.high else "no number of the enum"
    if kind == STRING:
        return None if isinstance(value, str) else "no string"
    if kind == BOOL:
        return None if isinstance(value, bool) else "no bool"
    if kind == DOUBLE:
        good = isinstance(value, float) or is_integer(value) or value in ("NaN", "Infinity", "-Infinity")
        return None if good else "no double"
    if kind in (UINT32, FIXED32):
        return None if is_integer(value) and 0 <= value < 2 ** 32 else "no 32-bit number"
    if kind in (INT64, FIXED64):
        low, high = (-2 ** 63, 2 ** 63) if kind == INT64 else (0, 2 ** 64)
        good = isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\d*)", value) and low <= int(value) < high
        return None if good else "no decimal string of 64 bits"
    if kind in (TRACE, SPAN):
        digits = 32 if kind == TRACE else 16
        good = isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{%d}" % digits, value) and set(value) != {"0"}
        return None if good else "no id of %d hex digits" % digits
    return None if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", value) else "no base64"


def faults(name, value, place=""):
    """What is wrong with a message of that name, a line each."""
    if not isinstance(value, dict):
        return ["%s: no %s" % (place, name)]
    found = []
    if name == "AnyValue" and len(value) > 1:
        found.append("%s: more than one value" % place)
    if name == "KeyValue" and not value.get("key"):
        found.append("%s: no key" % place)
    for member, inner in value.items():
        here, kind = place + "/" + member, MESSAGES[name].get(member)
        if kind is None:
            found.append("%s: %s has no such field" % (here, name))
        elif isinstance(kind, List):
            items = inner if isinstance(inner, list) else [None]
            for n, item in enumerate(items):
                found += faults(kind.of, item, "%s/%d" % (here, n))
            if kind.of == "KeyValue":
                keys = [i.get("key") for i in items if isinstance(i, dict)]
                found += ["%s: a key twice" % here] if len(set(keys)) != len(keys) else []
        elif kind in MESSAGES if isinstance(kind, str) else False:
            found += faults(kind, inner, here)
        else:
            why = fault_of_scalar(kind, inner)
            found += ["%s: %s: %r" % (here, why, inner)] if why else []
    for needed in {"Span": ("traceId", "spanId", "name"), "Link": ("traceId", "spanId")}.get(name, ()):
        if needed not in value:
            found.append("%s: without %s" % (place, needed))
    if name == "Span" and not found and int(value["startTimeUnixNano"]) > int(value["endTimeUnixNano"]):
        found.append("%s: ends before it begins" % place)
    return found


def self_check():
    """It must see what is wrong."""
    good = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "n", "kind": 1, "startTimeUnixNano": "1",
            "endTimeUnixNano": "2", "attributes": [{"key": "k", "value": {"intValue": "7"}}]}
    assert not faults("Span", good), faults("Span", good)
    for change in ({"traceId": "a" * 31}, {"traceId": "0" * 32}, {"spanId": "qzWx0qzWx0o="}, {"kind": "INTERNAL"},
                   {"startTimeUnixNano": 1}, {"startTimeUnixNano": "3"}, {"trace_id": "x"}, {"tracestate": ""},
                   {"attributes": [{"key": "k", "value": {"intValue": 7}}]}, {"attributes": {}},
                   {"attributes": [{"key": "k", "value": {"stringValue": "a", "boolValue": True}}]},
                   {"attributes": [{"key": "k", "value": "x"}]}, {"status": {"code": 3}}, {"flags": "1"},
                   {"links": [{"traceId": "a" * 32}]}, {"name": None}):
        assert faults("Span", {**good, **change}), change


self_check()
