"""openapi_requests.py: requests made out of schema/openapi.json: right ones from its examples, wrong ones by one fault
at a time, and random ones, which are now this and now that."""
import copy
import random

FILL = "The quick brown fox"


def values_of(document, schema):
    """The schema itself, without references."""
    while "$ref" in schema:
        schema = {**document.at(schema["$ref"]), **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def types_of(schema):
    if "const" in schema or "enum" in schema:
        return {"enum"}
    kind = schema.get("type")
    return set(kind) if isinstance(kind, list) else {kind} if kind else set()


def wrong_values(document, schema):
    """(what is wrong, a value): each wrong in one way, by the schema."""
    schema = values_of(document, schema)
    kinds = types_of(schema)
    if not kinds:
        return
    if "enum" in kinds:
        yield "none of the enum", "none of them"
        return
    yield "a type", next(v for t, v in (("integer", 7), ("string", FILL)) if t not in kinds)
    if "minimum" in schema:
        yield "under the minimum", schema["minimum"] - 1
    if "maximum" in schema:
        yield "over the maximum", schema["maximum"] + 1
    if schema.get("minLength"):
        yield "too short", ""
    if "maxLength" in schema:
        yield "too long", "a" * (schema["maxLength"] + 1)
    if "pattern" in schema and "string" in kinds:
        yield "not of the pattern", "?/\x7f"
    if "maxItems" in schema:
        item = values_of(document, schema["items"])
        yield "too many", [example_of(document, item) for _ in range(schema["maxItems"] + 1)]
    if schema.get("minItems"):
        yield "too few", []
    if "maxProperties" in schema:
        yield "too many members", {"n%d" % i: "x" for i in range(schema["maxProperties"] + 1)}
    if "object" in kinds and isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"].get("maxLength"):
        yield "too long a member", {"n": "a" * (schema["additionalProperties"]["maxLength"] + 1)}


def example_of(document, schema):
    schema = values_of(document, schema)
    if "example" in schema:
        return schema["example"]
    kinds = types_of(schema)
    if "string" in kinds:
        return "x" * max(1, schema.get("minLength", 1))
    if "integer" in kinds:
        return schema.get("minimum", 0)
    return {"event": "SUBMIT"} if "object" in kinds else None


def wrong_bodies(document, schema, good):
    """(what, body): one fault each, in the members of an object and of objects in it."""
    schema = values_of(document, schema)
    for name in schema.get("required", ()):
        yield "without %s" % name, {k: v for k, v in good.items() if k != name}
    if schema.get("additionalProperties") is False:
        yield "a member that is none", {**good, "nonsense": 1}
    for name, part in schema.get("properties", {}).items():
        for what, value in wrong_values(document, part):
            yield "%s: %s" % (name, what), {**good, name: value}
        part = values_of(document, part)
        inner = good.get(name)
        if isinstance(inner, dict) and "properties" in part:
            for what, value in wrong_bodies(document, part, inner):
                yield "%s/%s" % (name, what), {**good, name: value}
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            for what, value in wrong_bodies(document, part["items"], inner[0]):
                yield "%s/0/%s" % (name, what), {**good, name: [value]}


def wrong_parameters(document, parameter):
    schema = values_of(document, parameter["schema"])
    if schema.get("type") == "array":
        schema = values_of(document, schema["items"])
    for what, value in wrong_values(document, schema):
        if not (what == "a type" and "string" in types_of(schema)):
            yield what, value


class Random:
    def __init__(self, document, seed, known):
        """known: names of things that are there, which random ones would hardly hit."""
        self.document, self.random, self.known = document, random.Random(seed), known

    def text(self):
        pick = self.random.random()
        if pick < 0.5:
            return self.random.choice(self.known)
        if pick < 0.8:
            return "".join(self.random.choice("abcXYZ019.:*-_/ =<>'()[]{}\"\\") for _ in range(self.random.randint(1, 12)))
        return "".join(chr(self.random.choice((0x20, 0x7E, 0xE4, 0x3B1, 0x1F600, 0x200B))) for _ in range(self.random.randint(1, 6)))

    def any(self, depth=0):
        pick = self.random.randint(0, 6 if depth < 3 else 4)
        if pick == 5:
            return [self.any(depth + 1) for _ in range(self.random.randint(0, 3))]
        if pick == 6:
            return {self.text(): self.any(depth + 1) for _ in range(self.random.randint(0, 3))}
        return (None, True, self.random.randint(-9, 2**62), self.random.random() * 1e6, self.text())[pick]

    def value(self, schema):
        schema = values_of(self.document, schema)
        if self.random.random() < 0.06:
            return self.any()
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        if "anyOf" in schema:
            return self.value(self.random.choice(schema["anyOf"]))
        kinds = sorted(types_of(schema))
        kind = self.random.choice(kinds) if kinds else None
        if kind == "string":
            return self.text()
        if kind == "integer":
            low, high = schema.get("minimum", -5), schema.get("maximum", 2**63)
            return self.random.choice((low, high, self.random.randint(low, high), self.random.randint(low, min(high, low + 20))))
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "array":
            return [self.value(schema["items"]) for _ in range(self.random.randint(0, 4))]
        if kind == "object":
            return self.object(schema)
        return self.any()

    def object(self, schema):
        out = {}
        for name, part in schema.get("properties", {}).items():
            if self.random.random() < (0.97 if name in schema.get("required", ()) else 0.35):
                out[name] = self.value(part)
        if schema.get("additionalProperties") is not False and self.random.random() < 0.5:
            out[self.text()] = self.any()
        return out

    def body(self, schema, example):
        """The example with one thing changed, or all of it made up."""
        if isinstance(example, dict) and example and self.random.random() < 0.4:
            out = copy.deepcopy(example)
            name = self.random.choice(sorted(out))
            part = values_of(self.document, schema).get("properties", {}).get(name, {})
            out[name] = self.value(part)
            return out
        return self.value(schema)

    def query(self, operation):
        out = []
        for name, parameter in operation.named("query").items():
            if self.random.random() >= (0.95 if parameter.get("required") else 0.25):
                continue
            value = parameter.get("example") if self.random.random() < 0.4 else self.value(parameter["schema"])
            for one in value if isinstance(value, list) else [value]:
                out.append((name, str(one)))
        return out
