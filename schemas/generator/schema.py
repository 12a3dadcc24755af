"""An event's .avsc as the part of Avro the house uses: flat, typed, without surprises."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*")
TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
DEPTH_MAX = 16  # the codec's limit
INTEGERS = {"int": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
C_WORDS = set(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while bool true false errno assert".split()
)


class SchemaError(Exception):
    """What is wrong, where: file, field and rule in one line."""

    def __init__(self, path, field, rule):
        place = f"{path}: field {field}" if field else f"{path}"
        super().__init__(f"{place}: {rule}")


@dataclass
class Enumeration:
    full_name: str
    symbols: tuple

    @property
    def name(self):
        return self.full_name.rpartition(".")[2]


@dataclass
class Field:
    name: str
    type: str  # string bytes long int boolean enum array record
    optional: bool
    has_default: bool
    default: object
    is_uuid: bool = False
    of: object = None  # Record or Enumeration


@dataclass
class Record:
    full_name: str
    fields: list

    @property
    def name(self):
        return self.full_name.rpartition(".")[2]

    def field(self, name):
        return next((field for field in self.fields if field.name == name), None)


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def nested_records(record):
    """Every record below this one, the innermost first, each once."""
    found = {}
    for field in record.fields:
        if isinstance(field.of, Record):
            for inner in nested_records(field.of):
                found.setdefault(inner.full_name, inner)
            found.setdefault(field.of.full_name, field.of)
    return list(found.values())


def without_docs(schema):
    """Two schemas that differ only in their docs need no new release."""
    if isinstance(schema, list):
        return [without_docs(part) for part in schema]
    if isinstance(schema, dict):
        return {key: without_docs(part) for key, part in schema.items() if key != "doc"}
    return schema


class Parser:
    """One file's schema. Named types may be used again after their definition, never inside it."""

    def __init__(self, path):
        self.path = path
        self.named = {}
        self.open = []

    def fail(self, field, rule):
        raise SchemaError(self.path, field, rule)

    def full_name(self, schema, namespace, place):
        name = schema.get("name", "")
        if "aliases" in schema:
            self.fail(place, "aliases are not supported: nothing is ever renamed")
        if not isinstance(name, str) or not TYPE_NAME.fullmatch(name):
            self.fail(place, f"{name!r} is not a CamelCase type name without dots")
        full_name = f"{schema.get('namespace', namespace)}.{name}"
        if full_name in self.named or full_name in self.open:
            self.fail(place, f"{full_name} is defined twice")
        return full_name

    def record(self, schema, namespace, place=""):
        full_name = self.full_name(schema, namespace, place)
        namespace = full_name.rpartition(".")[0]
        members = schema.get("fields")
        if not isinstance(members, list) or not members:
            self.fail(place, "a record needs at least one field")
        if len(self.open) == DEPTH_MAX:
            self.fail(place, f"records nest deeper than {DEPTH_MAX}")
        self.open.append(full_name)
        fields = [self.field(member, namespace, place) for member in members]
        self.open.pop()
        names = [field.name for field in fields]
        for name in names:
            if names.count(name) > 1:
                self.fail(f"{place}{name}", "is there twice")
        self.named[full_name] = Record(full_name, fields)
        return self.named[full_name]

    def enumeration(self, schema, namespace, place):
        full_name = self.full_name(schema, namespace, place)
        symbols = schema.get("symbols")
        if not isinstance(symbols, list) or not symbols or len(set(symbols)) < len(symbols):
            self.fail(place, "an enum needs symbols, each once")
        for symbol in symbols:
            if not SYMBOL.fullmatch(symbol):
                self.fail(place, f"{symbol!r} is no symbol")
        self.named[full_name] = Enumeration(full_name, tuple(symbols))
        return self.named[full_name]

    def field(self, member, namespace, above):
        name = member.get("name", "")
        place = f"{above}{name}"
        if not FIELD_NAME.fullmatch(name) or name in C_WORDS:
            self.fail(place, "a field's name is snake_case and no word of C")
        if "aliases" in member:
            self.fail(place, "aliases are not supported: nothing is ever renamed")
        schema, optional = member.get("type"), False
        if isinstance(schema, list):
            if len(schema) != 2 or schema[0] != "null":
                self.fail(place, 'the only union is ["null", type]')
            schema, optional = schema[1], True
        type_name, is_uuid, of = self.type(schema, namespace, place)
        if optional and type_name == "record":
            self.fail(place, "a record is never optional: make its fields optional")
        field = Field(
            name, type_name, optional, "default" in member, member.get("default"), is_uuid, of
        )
        if field.has_default:
            self.check_default(place, field, field.default)
        return field

    def type(self, schema, namespace, place):
        """(type, is a uuid, what it is made of)"""
        attributes = schema if isinstance(schema, dict) else {}
        name = attributes.get("type", schema) if attributes else schema
        if name in ("string", "bytes", "long", "int", "boolean"):
            logical = attributes.get("logicalType")
            if logical is not None and (name, logical) != ("string", "uuid"):
                self.fail(place, f"logical type {logical} of {name} is not supported")
            return name, logical == "uuid", None
        if name == "record":
            return "record", False, self.record(attributes, namespace, f"{place}.")
        if name == "enum":
            return "enum", False, self.enumeration(attributes, namespace, place)
        if name == "array":
            inner, _, of = self.type(attributes.get("items"), namespace, place)
            if inner != "record":
                self.fail(place, "the items of an array are records, so that they can grow")
            return "array", False, of
        if isinstance(name, str):
            full_name = name if "." in name else f"{namespace}.{name}"
            if full_name in self.open:
                self.fail(place, f"{full_name} contains itself")
            if full_name in self.named:
                known = self.named[full_name]
                return "record" if isinstance(known, Record) else "enum", False, known
        return self.fail(place, f"type {name!r} is not supported")

    def check_default(self, place, field, value):
        """A default has the type of its field; a union's is null, its first branch."""
        if field.optional:
            fits = value is None
        elif field.type in INTEGERS:
            least, most = INTEGERS[field.type]
            fits = type(value) is int and least <= value <= most
        elif field.type == "boolean":
            fits = type(value) is bool
        elif field.type == "string":
            fits = isinstance(value, str) and "\0" not in value
        elif field.type == "enum":
            fits = value in field.of.symbols
        elif field.type == "record":  # {}: each of its fields brings its own
            fits = value == {} and all(inner.has_default for inner in field.of.fields)
        else:
            fits = value == {"array": [], "bytes": ""}[field.type]
        if not fits:
            self.fail(place, f"{json.dumps(value)} is not a possible default")


def parse(path, text=None):
    """(Record, the JSON it was read from)"""
    try:
        schema = json.loads(Path(path).read_text("utf-8") if text is None else text)
    except (OSError, ValueError) as error:
        raise SchemaError(path, "", f"cannot be read: {error}") from error
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise SchemaError(path, "", "an event is a record")
    return Parser(path).record(schema, ""), schema
