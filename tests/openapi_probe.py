"""openapi_probe.py: a client that believes nothing: each answer is held against schema/openapi.json (status, media
type, headers, body, to the last member), and what of the document was met is kept, so that in the end it can be
told what was not. Findings are gathered, not raised: one run tells all."""
import gzip
import http.client
import json
import re
import urllib.parse

import jsonschema

from http_daemon import WAIT, UnixConnection

# Of HTTP itself, from one hop to the next.
OF_HTTP = {"date", "content-type", "content-length", "connection", "transfer-encoding", "keep-alive"}
TIME = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z")
FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or TIME.fullmatch(value) is not None)
FORMATS.checks("uri-reference")(lambda value: not isinstance(value, str) or re.fullmatch(r"/[!-~]*", value) is not None)


class Answer:
    def __init__(self, status, headers, raw):
        self.status, self.headers = status, headers
        self.text = gzip.decompress(raw) if headers.get("Content-Encoding") == "gzip" else raw
        self.json = json.loads(self.text) if "json" in headers.get("Content-Type", "") and self.text else None

    def __repr__(self):
        return "%d %s" % (self.status, self.text[:400].decode("utf-8", "replace"))


class Book:
    """The document, and what of it was met."""

    def __init__(self, document):
        self.document = document.load()
        self.findings, self.count = [], 0
        self.statuses, self.headers, self.members, self.codes = set(), set(), set(), set()
        self._validators = {}

    def validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = jsonschema.Draft202012Validator(self.document.schema(schema), format_checker=FORMATS)
        return self._validators[key]

    # ---- an answer against an operation ----

    def check(self, operation, answer, what, sent=b""):
        """operation None: the answer to what is no operation, against the component that is of its status."""
        self.count += 1
        response = operation.responses.get(answer.status) if operation else self._of_none(answer.status)
        about = "%s: %s: %r" % (operation.id if operation else "-", what, answer)
        if response is None:
            self.findings.append("undocumented status: " + about)
            return
        if operation:
            self.statuses.add((operation.id, answer.status))
        for finding in self._headers(operation, response, answer) + self._body(response, answer, sent):
            self.findings.append("%s: %s" % (finding, about))

    def _of_none(self, status):
        names = {404: "NotFound", 405: "MethodNotAllowed", 501: "UnknownMethod", 400: "BadRequest"}
        return self.document.at("#/components/responses/" + names[status]) if status in names else None

    def _headers(self, operation, response, answer):
        found = []
        documented = {name.lower(): self.document.resolve(header) for name, header in response["headers"].items()}
        names = [name.lower() for name, _ in answer.headers.items()]
        found += ["header %s is there twice" % n for n in set(names) if names.count(n) > 1]
        for name in set(names) - OF_HTTP:
            if name not in documented:
                found.append("undocumented header %s" % name)
                continue
            if operation:
                self.headers.add((operation.id, answer.status, name))
            errors = self.validator(documented[name]["schema"]).iter_errors(answer.headers[name])
            found += ["header %s: %s" % (name, e.message) for e in errors]
        found += ["no header %s" % n for n, h in documented.items() if h.get("required") and n not in names]
        return found

    def _body(self, response, answer, sent):
        media = answer.headers.get("Content-Type")
        if "content" not in response:
            return ["a body where there is none"] if answer.text or media else []
        if media not in response["content"]:
            return ["undocumented media type %s" % media]
        if media == "text/event-stream" or sent == "HEAD":
            return []
        schema = response["content"][media]["schema"]
        value = answer.json if "json" in media else answer.text.decode()
        return self.value(schema, value)

    def value(self, schema, value):
        """Findings of a value; its members are marked as met."""
        errors = sorted(self.validator(schema).iter_errors(value), key=lambda e: list(map(str, e.absolute_path)))
        self._mark(schema, "", value)
        return ["at /%s: %s" % ("/".join(map(str, e.absolute_path)), e.message[:300]) for e in errors]

    def _mark(self, schema, place, value):
        if "$ref" in schema:
            place = schema["$ref"]
            schema = self.document.at(place)
        for word in ("allOf", "oneOf", "anyOf"):
            for i, part in enumerate(schema.get(word, ())):
                if word == "allOf" or self.validator(part).is_valid(value):
                    self._mark(part, "%s/%s/%d" % (place, word, i), value)
        if place == "#/components/schemas/Problem":
            self.codes.add(value.get("code"))
        if isinstance(value, list) and "items" in schema:
            for item in value:
                self._mark(schema["items"], place + "/items", item)
        if not isinstance(value, dict):
            return
        properties, more = schema.get("properties", {}), schema.get("additionalProperties")
        for name, member in value.items():
            if name in properties:
                self.members.add("%s/%s" % (place, name))
                self._mark(properties[name], "%s/%s" % (place, name), member)
            elif isinstance(more, dict):
                self._mark(more, place + "/*", member)

    # ---- what was not met ----

    def all_members(self):
        """Places of members that answers may have."""
        places, seen = set(), set()

        def walk(schema, place):
            if "$ref" in schema:
                place = schema["$ref"]
                if place in seen:
                    return
                seen.add(place)
                schema = self.document.at(place)
            for word in ("allOf", "oneOf", "anyOf"):
                for i, part in enumerate(schema.get(word, ())):
                    walk(part, "%s/%s/%d" % (place, word, i))
            if isinstance(schema.get("items"), dict):
                walk(schema["items"], place + "/items")
            if isinstance(schema.get("additionalProperties"), dict):
                walk(schema["additionalProperties"], place + "/*")
            for name, part in schema.get("properties", {}).items():
                if place.startswith("#"):
                    places.add("%s/%s" % (place, name))
                walk(part, "%s/%s" % (place, name))

        for operation in self.document.operations.values():
            for response in operation.responses.values():
                for media in response.get("content", {}).values():
                    walk(media["schema"], "")
        return places

    def all_statuses(self):
        return {(o.id, status) for o in self.document.operations.values() for status in o.responses}

    def all_headers(self):
        return {
            (o.id, status, name.lower())
            for o in self.document.operations.values()
            for status, response in o.responses.items()
            for name in response["headers"]
        }


class Probe:
    """One listener of one daemon, over a connection that is kept."""

    def __init__(self, book, daemon, token=None, local=False):
        self.book, self.daemon, self.token, self.local = book, daemon, token, local
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, method, target, headers=None, body=None):
        """As it is; twice when the connection was ended meanwhile."""
        for again in (False, True):
            if not self.connection:
                path = self.daemon.data + "/fsmd.sock"
                self.connection = (
                    UnixConnection(path)
                    if self.local
                    else http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=WAIT)
                )
                again = True
            try:
                self.connection.request(method, target, body=body, headers=headers or {})
                response = self.connection.getresponse()
                answer = Answer(response.status, response.headers, response.read())
                if response.will_close:
                    self.close()
                return answer
            except (http.client.HTTPException, OSError):
                self.close()
                if again:
                    raise

    def call(self, name, body=None, /, *, query=(), headers=None, raw=None, expect=None, media="application/json", auth="", **path):
        """An operation. auth: another token, None none. expect: a status, and perhaps a code of a problem."""
        operation = self.book.document.operations[name]
        target = operation.path
        for parameter, value in path.items():
            target = target.replace("{%s}" % parameter, urllib.parse.quote(str(value), safe=""))
        if query:
            target += "?" + urllib.parse.urlencode(list(query.items()) if isinstance(query, dict) else query)
        fields = {}
        auth = self.token if auth == "" else auth
        if auth is not None:
            fields["Authorization"] = "Bearer " + auth
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        if data is not None and media:
            fields["Content-Type"] = media
        fields.update(headers or {})
        answer = self.ask(operation.method, target, fields, data)
        what = "%s %s %.300s" % (operation.method, target[:300], data if data is not None else "")
        self.book.check(operation, answer, what)
        self.expect(expect, answer, "%s: %s" % (name, what))
        return answer

    def other(self, method, target, expect, headers=None):
        """What is no operation."""
        answer = self.ask(method, target, headers or {"Authorization": "Bearer " + self.token} if self.token else {})
        self.book.check(None, answer, "%s %s" % (method, target))
        self.expect(expect, answer, "%s %s" % (method, target))
        return answer

    def expect(self, expected, answer, what):
        if expected is None:
            return
        status, code = expected if isinstance(expected, tuple) else (expected, None)
        if answer.status != status or (code and answer.json.get("code") != code):
            self.book.findings.append("expected %s: %s: %r" % (expected, what, answer))
