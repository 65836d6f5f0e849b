"""openapi_document.py: schema/openapi.json as a document: its references, what of OpenAPI 3.1 is asked of it, and
what the daemon's own tables say of the same things (routes.c, filter.h, code.h, request.h, record.schema.json).

What is asked of it is written down here (SHAPES), stricter than the standard: what this document does not use is
not allowed, so that nothing stands in it that nobody looks at."""
import json
import os
import re

import jsonschema

SOURCE = os.environ.get("FSM_SOURCE_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
METHODS = ("get", "put", "post", "delete")
# Codes that no answer can have, and why.
NOT_SENT = {
    "ok": "is no fault",
    "locked": "the data is held by another process: fsmd does not start",
    "not_as_expected": "of tools that compare; nothing that is served",
    "partly": "of tools that do much at once; each part has its own answer",
    "matches": "of tools that are asked whether there is something",
}


def read(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
        return file.read()


def _object(required, properties, **more):
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False, **more}


_TEXT = {"type": "string", "minLength": 1}
_REF = _object(["$ref"], {"$ref": {"type": "string", "pattern": "^#/components/"}})
_SCHEMA = {"type": "object"}  # the dialect's own meta schema sees to it (check_schemas)
_MEDIA = _object(["schema"], {"schema": _SCHEMA, "example": {}})
_CONTENT = {"type": "object", "minProperties": 1, "additionalProperties": _MEDIA, "propertyNames": {"pattern": "^[a-z]+/"}}


def _or_ref(shape):
    return {"if": {"required": ["$ref"]}, "then": _REF, "else": shape}


_PARAMETER = _object(
    ["name", "in", "description", "schema"],
    {
        "name": _TEXT,
        "in": {"enum": ["query", "path", "header"]},
        "required": {"const": True},
        "description": _TEXT,
        "schema": _SCHEMA,
        "example": {},
        "style": {"const": "form"},
        "explode": {"const": True},
    },
    allOf=[{"if": {"properties": {"in": {"const": "path"}}}, "then": {"required": ["required"]}}],
)
_HEADER = _object(["description", "schema"], {"description": _TEXT, "required": {"const": True}, "schema": _SCHEMA, "example": {}})
_RESPONSE = _object(
    ["description", "headers"],
    {
        "description": _TEXT,
        "headers": {"type": "object", "required": ["X-Correlation-ID", "Cache-Control"], "additionalProperties": _or_ref(_HEADER)},
        "content": _CONTENT,
    },
)
_SECURITY = {"type": "array", "minItems": 1, "items": {"type": "object", "additionalProperties": {"type": "array"}}}
_OPERATION = _object(
    ["operationId", "tags", "summary", "description", "x-who", "security", "parameters", "responses"],
    {
        "operationId": {"type": "string", "pattern": "^[a-z][A-Za-z]+$"},
        "tags": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 1},
        "summary": {"type": "string", "minLength": 1, "maxLength": 60},
        "description": _TEXT,
        "x-who": {"enum": ["everyone", "actor", "admin", "deployer"]},
        "security": _SECURITY,
        "parameters": {"type": "array", "items": _or_ref(_PARAMETER)},
        "requestBody": _object(["required", "content"], {"required": {"type": "boolean"}, "content": _CONTENT}),
        "responses": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^[2345][0-9][0-9]$"},
            "additionalProperties": _or_ref(_RESPONSE),
        },
    },
)
SHAPES = _object(
    ["openapi", "info", "jsonSchemaDialect", "servers", "security", "tags", "paths", "components"],
    {
        "openapi": {"type": "string", "pattern": "^3\\.1\\.[0-9]+$"},
        "info": _object(["title", "version", "summary", "description"], dict.fromkeys(["title", "version", "summary", "description"], _TEXT)),
        "jsonSchemaDialect": {"const": "https://json-schema.org/draft/2020-12/schema"},
        "servers": {"type": "array", "minItems": 1, "items": _object(["url", "description"], {"url": _TEXT, "description": _TEXT})},
        "security": _SECURITY,
        "tags": {"type": "array", "items": _object(["name", "description"], {"name": _TEXT, "description": _TEXT})},
        "paths": {
            "type": "object",
            "propertyNames": {"pattern": "^(/[A-Za-z0-9._]+|/\\{[a-z]+\\})+$"},
            "additionalProperties": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"enum": list(METHODS)},
                "additionalProperties": _OPERATION,
            },
        },
        "components": _object(
            ["securitySchemes", "parameters", "headers", "responses", "schemas"],
            {
                "securitySchemes": {
                    "type": "object",
                    "additionalProperties": _object(
                        ["type", "scheme", "description"],
                        {"type": {"const": "http"}, "scheme": {"const": "bearer"}, "bearerFormat": _TEXT, "description": _TEXT},
                    ),
                },
                "parameters": {"type": "object", "additionalProperties": _PARAMETER},
                "headers": {"type": "object", "additionalProperties": _HEADER},
                "responses": {"type": "object", "additionalProperties": _RESPONSE},
                "schemas": {"type": "object", "additionalProperties": _SCHEMA},
            },
        ),
    },
)


class Operation:
    def __init__(self, document, path, method, raw):
        self.path, self.method, self.raw = path, method.upper(), raw
        self.id, self.who = raw["operationId"], raw["x-who"]
        self.parameters = [document.resolve(p) for p in raw["parameters"]]
        self.responses = {int(s): document.resolve(r) for s, r in raw["responses"].items()}
        self.body = raw.get("requestBody")

    def named(self, where):
        return {p["name"]: p for p in self.parameters if p["in"] == where}


class Document:
    def __init__(self, text=None):
        self.text = text or read("schema/openapi.json")
        self.raw = json.loads(self.text, object_pairs_hook=_no_double)
        self.operations = {}

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            node = self.at(node["$ref"])
        return node

    def at(self, reference):
        node = self.raw
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        return node

    def load(self):
        for path, methods in self.raw["paths"].items():
            for method, raw in methods.items():
                operation = Operation(self, path, method, raw)
                self.operations[operation.id] = operation
        return self

    def schema(self, node):
        """A schema that stands alone: what it refers to is found in it."""
        return {**node, "components": self.raw["components"]}


def _no_double(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), "twice in one object: %s" % names
    return dict(pairs)


def nodes(node, place="#"):
    yield place, node
    if isinstance(node, dict):
        for name, value in node.items():
            yield from nodes(value, "%s/%s" % (place, name))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from nodes(value, "%s/%d" % (place, i))


# ---- what is asked of the document itself: each a list of findings -------------------------------------


def check_shape(document):
    validator = jsonschema.Draft202012Validator(SHAPES)
    return ["%s: %s" % (list(e.absolute_path), e.message) for e in validator.iter_errors(document.raw)]


def check_schemas(document):
    """Of the dialect; and an object says what it may have: closed, or open in so many words."""
    found = []
    for place, node in nodes(document.raw):
        parts = place.split("/")
        if parts[-1] == "schema" or (len(parts) == 4 and parts[1:3] == ["components", "schemas"]):
            try:
                jsonschema.Draft202012Validator.check_schema(node)
            except jsonschema.SchemaError as error:
                found.append("%s: %s" % (place, error.message))
        if isinstance(node, dict) and "properties" in node and node.get("type") == "object" and "/Record" not in place:
            if "additionalProperties" not in node and "/allOf/" not in place:
                found.append("%s: open by silence" % place)
            strange = set(node.get("required", [])) - set(node["properties"])
            if strange and node["additionalProperties"] is False:
                found.append("%s: needs what it does not have: %s" % (place, strange))
    return found


def check_references(document):
    found, used = [], set()
    for place, node in nodes(document.raw):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            used.add(node["$ref"])
            try:
                document.at(node["$ref"])
            except (KeyError, TypeError):
                found.append("%s: there is no %s" % (place, node["$ref"]))
    for kind in ("parameters", "headers", "responses", "schemas"):
        for name in document.raw["components"][kind]:
            if "#/components/%s/%s" % (kind, name) not in used and name not in OF_NO_OPERATION:
                found.append("%s %s is used by nobody" % (kind, name))
    return found


OF_NO_OPERATION = {"MethodNotAllowed": 405, "UnknownMethod": 501}  # the info says when


def check_operations(document):
    found, seen = [], set()
    tags = {tag["name"] for tag in document.raw["tags"]}
    for operation in (o for o in _operations(document)):
        if operation.id in seen:
            found.append("%s is there twice" % operation.id)
        seen.add(operation.id)
        if set(re.findall(r"\{(\w+)\}", operation.path)) != set(operation.named("path")):
            found.append("%s: the parameters of the path are others" % operation.id)
        if not set(operation.raw["tags"]) <= tags:
            found.append("%s: a tag without a description" % operation.id)
        keys = [(p["in"], p["name"].lower()) for p in operation.parameters]
        if len(keys) != len(set(keys)):
            found.append("%s: a parameter twice" % operation.id)
        open_to_all = operation.raw["security"] == [{}]
        if open_to_all != (operation.who == "everyone") or open_to_all == (401 in operation.responses):
            found.append("%s: who may, tokens and 401 do not fit" % operation.id)
        found += ["%s: no %d" % (operation.id, s) for s in (400, 403, 413, 414, 431, 500, 503) if s not in operation.responses]
        if not any(s < 300 for s in operation.responses):
            found.append("%s: it never succeeds" % operation.id)
    return found


def _operations(document):
    for path, methods in document.raw["paths"].items():
        for method, raw in methods.items():
            yield Operation(document, path, method, raw)


def check_examples(document):
    """An example of a parameter, a body or an answer is right."""
    found = []
    for place, node in nodes(document.raw):
        if isinstance(node, dict) and "example" in node and "schema" in node:
            validator = jsonschema.Draft202012Validator(document.schema(node["schema"]))
            found += ["%s: %s" % (place, e.message) for e in validator.iter_errors(node["example"])]
    for operation in _operations(document):
        json_body = (operation.body or {"content": {}})["content"].get("application/json")
        if json_body and "example" not in json_body:
            found.append("%s: no example of its body" % operation.id)
    return found


# ---- the same things in the sources ---------------------------------------------------------------------

WHO = {"ACTOR": "actor", "EVERYONE": "everyone", "DEPLOYER": "deployer", "ADMIN": "admin"}


def routes_of(source):
    """(method, path) → (names of parameters, who, body) of the table in routes.c."""
    row = re.compile(r'^  \{"([A-Z]+)", +"([^"]+)", +"([^"]*)", (\w+), (\w+), \w+\},$', re.M)
    table = source[source.index("routes[] = {"):source.index("ROUTE_COUNT")]
    rows = row.findall(table)
    assert len(rows) == table.count('  {"') > 0, "a row of routes.c is not understood"
    return {(m, "/" + p): (params.split(), WHO[who], body) for m, p, params, who, body in rows}


def filter_fields(source):
    """name → may it repeat, of FSM_FILTER_FIELDS."""
    table = source[source.index("#define FSM_FILTER_FIELDS"):source.index("typedef enum fsm_filter_field")]
    rows = re.findall(r'X\([A-Z_]+, "(\w+)",.*?, (true|false)\)', table.replace("\\\n", " "), re.S)
    assert len(rows) == len(re.findall(r"\bX\([A-Z]", table)) > 0, "a row of filter.h is not understood"
    return {name: repeats == "true" for name, repeats in rows}


def codes_of(source):
    """name → (HTTP status, text) of FSM_CODES."""
    rows = re.findall(r'X\(FSM_\w+,\s*"(\w+)",\s*(\d+),\s*\d+,\s*"([^"]+)"\)', source)
    assert len(rows) == len(re.findall(r"\bX\(FSM_", source)) > 0, "a row of code.h is not understood"
    return {name: (int(status), text) for name, status, text in rows}


def check_routes(document):
    found = []
    fields = filter_fields(read("runtime/filter.h"))
    routes = routes_of(read("runtime/daemon/routes.c"))
    documented = {(o.method, re.sub(r"\{\w+\}", "*", o.path)): o for o in _operations(document)}
    found += ["%s %s is served and not documented" % key for key in routes.keys() - documented.keys()]
    found += ["%s %s is documented and not served" % key for key in documented.keys() - routes.keys()]
    for key in routes.keys() & documented.keys():
        names, who, body = routes[key]
        operation = documented[key]
        wanted = {n for name in names for n in (fields if name == "FILTER" else [name])}
        if wanted != set(operation.named("query")):
            found.append("%s: parameters: %s" % (operation.id, wanted ^ set(operation.named("query"))))
        for name, parameter in operation.named("query").items():
            if "FILTER" in names and name in fields and fields[name] != (parameter["schema"].get("type") == "array"):
                found.append("%s: may ?%s repeat?" % (operation.id, name))
        if who != operation.who:
            found.append("%s: for %s, and documented for %s" % (operation.id, who, operation.who))
        if (body != "NO_BODY") != bool(operation.body and operation.body["required"]):
            found.append("%s: does it need a body?" % operation.id)
    return found


def check_codes(document):
    codes = codes_of(read("fsm/code.h"))
    problem = document.at("#/components/schemas/Problem")["properties"]["code"]
    found = []
    if set(problem["enum"]) | set(NOT_SENT) != set(codes) or set(problem["enum"]) & set(NOT_SENT):
        found.append("codes: %s" % (set(codes) ^ (set(problem["enum"]) | set(NOT_SENT))))
    found += ["%s: its text is another" % n for n in problem["enum"] if n in codes and "%s: %s" % (n, codes[n][1]) not in problem["description"]]
    of_status = {}
    for name, response in document.raw["components"]["responses"].items():
        own = response["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]
        of_status[own["status"]["const"]] = set(own["code"]["enum"])
    for name in problem["enum"]:
        if name in codes and name not in of_status.get(codes[name][0], ()):
            found.append("%s: not among those of %d" % (name, codes[name][0]))
    return found


def check_headers(document):
    """What is read of a request's headers is documented, or is of HTTP itself."""
    of_http = {
        "Authorization", "Content-Type", "Content-Length", "Transfer-Encoding", "Accept", "Host", "Expect", "Origin",
        "Access-Control-Request-Method", "Accept-Encoding", "Content-Encoding",
    }
    source = read("runtime/daemon/request.h")
    names = set(re.findall(r'X\(FSM__\w+,\s*"([^"]+)"\)', source))
    documented = {p["name"] for p in document.raw["components"]["parameters"].values() if p["in"] == "header"}
    assert len(names) == len(re.findall(r"\bX\(FSM__", source))
    return ["header %s" % name for name in names ^ (documented | of_http)]


def check_record(document):
    record = json.loads(read("schema/record.schema.json"))
    del record["$schema"], record["$id"]
    return [] if record == document.at("#/components/schemas/Record") else ["Record is not schema/record.schema.json"]


# Interfaces of the JavaScript client that are a schema; of requests members are spelled in JavaScript's way.
CLIENT = (
    "Answer", "TaskAnswer", "Deployed", "Retired", "Batch", "Problem", "Retirement", "Version", "MachineSummary", "Machine",
    "Incident", "Instance", "InstanceRow", "Events", "EnabledEvent", "Counts", "Task", "Claimed", "BatchEvent", "Start",
)
TYPE_OF = {"number": {"integer", "number"}, "string": {"string"}, "boolean": {"boolean"}}


def interfaces_of(source):
    """name → {member: (is it needed, its type)}."""
    out = {}
    for name, base, body in re.findall(r"^export interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}", source, re.S | re.M):
        members = re.findall(r"^  (\w+)(\??): (.*);$", body, re.M)
        out[name] = {**out.get(base, {}), **{n: (not optional, kind) for n, optional, kind in members}}
    return out


def check_client(document):
    found = []
    interfaces = interfaces_of(read("examples/javascript-client/index.d.ts"))
    for name in CLIENT:
        schema = document.at("#/components/schemas/" + name)
        snake = {re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), n): m for n, m in interfaces.get(name, {}).items()}
        found += ["client, %s.%s: in one of the two" % (name, n) for n in set(snake) ^ set(schema["properties"])]
        for member in set(snake) & set(schema["properties"]):
            needed, kind = snake[member]
            if needed != (member in schema.get("required", ())):
                found.append("client, %s.%s: is it always there?" % (name, member))
            own = document.resolve(schema["properties"][member])
            if kind in TYPE_OF and own.get("type") in ("integer", "number", "string", "boolean", "array", "object"):
                if own["type"] not in TYPE_OF[kind]:
                    found.append("client, %s.%s: it is no %s" % (name, member, kind))
    return found


CHECKS = (
    check_shape, check_references, check_schemas, check_operations, check_examples, check_routes, check_codes,
    check_headers, check_record, check_client,
)
