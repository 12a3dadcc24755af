"""One folder of schemas as <output>.h and <output>.c: structs, enums, tables, versions."""

import json

from .c_text import comment, integer, long_string, string, write_if_changed
from .releases import check_released
from .schema import Enumeration, Record, SchemaError, nested_records, snake

KINDS = {
    "long": "FIELD_INTEGER",
    "int": "FIELD_INTEGER",
    "boolean": "FIELD_BOOLEAN",
    "string": "FIELD_TEXT",
    "bytes": "FIELD_BYTES",
    "enum": "FIELD_CHOICE",
    "array": "FIELD_LIST",
    "record": "FIELD_RECORD",
}
MEMBERS = {
    ("long", False): "int64_t",
    ("int", False): "int64_t",
    ("boolean", False): "bool",
    ("enum", False): "int",
    ("long", True): "struct optional_integer",
    ("int", True): "struct optional_integer",
    ("boolean", True): "struct optional_boolean",
    ("enum", True): "struct optional_choice",
}


def member(field):
    name, optional = field.name, field.optional
    if field.type == "record":
        return f"struct {snake(field.of.name)} {name};"
    if field.type == "array":
        note = "; absent: .items is NULL" if optional else ""
        return f"struct list {name}; /* of struct {snake(field.of.name)}{note} */"
    if field.type in ("string", "bytes"):
        return f"struct text {name};" + (" /* absent: .bytes is NULL */" if optional else "")
    note = f" /* enum {snake(field.of.name)} */" if field.type == "enum" else ""
    return f"{MEMBERS[field.type, optional]} {name};{note}"


def symbol_constant(enumeration, symbol):
    return f"{snake(enumeration.name)}_{snake(symbol)}".upper()


def default_value(field):
    if field.type == "boolean":
        return "true" if field.default else "false"
    if field.type in ("long", "int"):
        return integer(field.default)
    if field.type == "enum":
        return symbol_constant(field.of, field.default)
    if field.type == "array":
        return '{.items = ""}'
    return f"TEXT({string(field.default)})"


def docs_of(schema):
    """{field: doc} of one record's JSON."""
    return {one["name"]: one["doc"] for one in schema["fields"] if "doc" in one}


class Source:
    """What one folder becomes. Everything nested is there once, whichever events share it."""

    def __init__(self, folder, stem, events):
        self.folder, self.stem, self.events = folder, stem, events
        self.context = folder.name
        self.records, self.enums = {}, {}
        self.versions = {}  # full name -> [(schema id, Record as written)]
        self.schemas = {}  # schema id -> JSON text
        for event in events:
            self.add_event(event)

    def add_event(self, event):
        for record in [*nested_records(event.record), event.record]:
            known = self.records.setdefault(record.full_name, record)
            if known != record:
                raise SchemaError(event.path, "", f"{record.full_name} differs elsewhere")
            for field in record.fields:
                if isinstance(field.of, Enumeration):
                    other = self.enums.setdefault(field.of.full_name, field.of)
                    if other != field.of:
                        raise SchemaError(event.path, field.name, f"{other.name} differs elsewhere")
        for release in event.releases:
            compact = json.dumps(release.schema, separators=(",", ":"), ensure_ascii=False)
            self.schemas[release.schema_id] = (release, compact)
            for record in [*nested_records(release.record), release.record]:
                self.versions.setdefault(record.full_name, []).append((release.schema_id, record))

    def check_names(self):
        seen = {}
        for full_name in [*self.records, *self.enums]:
            name = snake(full_name.rpartition(".")[2])
            if seen.setdefault(name, full_name) != full_name:
                raise SchemaError(self.folder, "", f"{full_name}, {seen[name]}: one name in C")

    # header

    def enum_lines(self, enumeration):
        yield f"enum {snake(enumeration.name)} {{"
        for symbol in enumeration.symbols:
            yield f"    {symbol_constant(enumeration, symbol)},"
        yield f"    {snake(enumeration.name).upper()}_COUNT,"
        yield "};"
        yield ""

    def struct_lines(self, record, schema=None):
        if schema and "doc" in schema:
            yield comment(schema["doc"])
        docs = docs_of(schema) if schema else {}
        yield f"struct {snake(record.name)} {{"
        for field in record.fields:
            if field.name in docs:
                yield "    " + comment(docs[field.name])
            yield "    " + member(field)
        yield "};"
        yield f"extern const struct record {snake(record.name)}_record;"
        yield ""

    def header(self):
        one = self.stem.removesuffix("s")
        prefix = f"{self.context}_{one}"
        yield f"/* Made from the schemas of {self.context}: change those, not this. */"
        yield "#pragma once"
        yield ""
        yield '#include "lib/record/record.h"'
        yield ""
        for enumeration in self.enums.values():
            yield from self.enum_lines(enumeration)
        schemas = {event.record.full_name: event.schema for event in self.events}
        for record in self.records.values():
            yield from self.struct_lines(record, schemas.get(record.full_name))
        yield "/* In the order of their first release. */"
        yield f"enum {prefix} {{"
        for event in self.events:
            yield f"    {self.context}_{snake(event.record.name)},".upper()
        yield f"    {prefix}_count,".upper()
        yield "};"
        yield "/* By the enum; NULL-terminated. */"
        yield f"extern const struct record *const {self.context}_{self.stem}[];"

    # tables

    def field_parts(self, field, symbols, of):
        parts = [f".name = {string(field.name)}", f".kind = {KINDS[field.type]}"]
        if field.optional:
            parts.append(".optional = true")
        if field.type == "int":
            parts.append(".min = INT32_MIN, .max = INT32_MAX")
        if field.is_uuid:
            parts.append(".format = TEXT_UUID")
        if field.type == "enum":
            parts.append(f".symbols = {symbols}")
        if isinstance(field.of, Record):
            parts.append(f".of = &{of}")
        return parts

    def symbols_lines(self, name, enumeration):
        yield f"static const char *const {name}[] = {{"
        for symbol in enumeration.symbols:
            yield f"    {string(symbol)},"
        yield "    NULL,"
        yield "};"
        yield ""

    def current_fields(self, record):
        name = snake(record.name)
        yield f"static const struct field {name}_fields[] = {{"
        for field in record.fields:
            inner = snake(field.of.name) if field.of else ""
            parts = self.field_parts(field, f"{inner}_symbols", f"{inner}_record")
            parts.append(f".offset = offsetof(struct {name}, {field.name})")
            yield "    {" + ", ".join(parts) + "},"
        yield "};"
        yield ""

    def defaults(self, record):
        """Null and no default at all are both zero."""
        name = snake(record.name)
        if not self.has_defaults(record):
            return
        yield f"static const struct {name} {name}_defaults = {{"
        yield from self.default_lines(record, "    ")
        yield "};"
        yield ""

    def has_defaults(self, record):
        return any(
            self.has_defaults(field.of)
            if field.type == "record"
            else field.has_default and not field.optional
            for field in record.fields
        )

    def default_lines(self, record, indent):
        for field in record.fields:
            if field.type == "record" and self.has_defaults(field.of):
                yield f"{indent}.{field.name} = {{"
                yield from self.default_lines(field.of, indent + "    ")
                yield f"{indent}}},"
            elif field.type != "record" and field.has_default and not field.optional:
                yield f"{indent}.{field.name} = {default_value(field)},"

    def dropped_records(self, written, schema_id):
        """Records only an old writer knows: skipped, so their tables need no offsets."""
        current = self.records[written.full_name]
        for field in written.fields:
            if isinstance(field.of, Record) and current.field(field.name) is None:
                yield from [*nested_records(field.of), field.of]

    def dropped_lines(self, record, schema_id):
        name = f"{snake(record.name)}_{schema_id}_dropped"
        yield f"static const struct field {name}_fields[] = {{"
        for field in record.fields:
            inner = f"{snake(field.of.name)}_{schema_id}" if field.of else ""
            parts = self.field_parts(field, f"{inner}_symbols", f"{inner}_dropped")
            yield "    {" + ", ".join(parts) + "},"
        yield "};"
        yield f"static const struct record {name} = {{"
        yield f"    .name = {string(record.name)},"
        yield f"    .fields = {name}_fields,"
        yield f"    .field_count = COUNT_OF({name}_fields),"
        yield "};"
        yield ""

    def written_fields(self, written, schema_id):
        current = self.records[written.full_name]
        names = [field.name for field in current.fields]
        yield f"static const struct writer_field {snake(written.name)}_{schema_id}_fields[] = {{"
        for field in written.fields:
            target = names.index(field.name) if field.name in names else -1
            inner = snake(field.of.name) if field.of else ""
            of = f"{inner}_{schema_id}_dropped" if target < 0 else f"{inner}_record"
            parts = self.field_parts(field, f"{inner}_{schema_id}_symbols", of)
            yield "    {.field = {" + ", ".join(parts) + f"}}, .target = {target}}},"
        yield "};"
        yield ""

    def record_lines(self, record, event):
        name, versions = snake(record.name), self.versions[record.full_name]
        yield f"static const struct record_version {name}_versions[] = {{"
        for schema_id, _ in versions:
            fields = f"{name}_{schema_id}_fields"
            yield f"    {{{schema_id}, {fields}, COUNT_OF({fields}), schema_{schema_id}}},"
        yield "};"
        yield ""
        yield f"const struct record {name}_record = {{"
        yield f"    .name = {string(record.name)},"
        yield f"    .full_name = {string(record.full_name) if event else 'NULL'},"
        yield f"    .size = sizeof(struct {name}),"
        yield f"    .fields = {name}_fields,"
        yield f"    .field_count = COUNT_OF({name}_fields),"
        if self.has_defaults(record):
            yield f"    .defaults = &{name}_defaults,"
        if event:
            yield f"    .schema_id = {event.releases[-1].schema_id},"
        yield f"    .versions = {name}_versions,"
        yield f"    .version_count = COUNT_OF({name}_versions),"
        yield "};"
        yield ""

    def written_enums(self):
        """Each enum as each release wrote it."""
        for schema_id, (release, _) in self.schemas.items():
            seen = set()
            for record in [*nested_records(release.record), release.record]:
                for field in record.fields:
                    if isinstance(field.of, Enumeration) and field.of.full_name not in seen:
                        seen.add(field.of.full_name)
                        yield f"{snake(field.of.name)}_{schema_id}_symbols", field.of

    def source(self):
        yield f"/* Made from the schemas of {self.context}: change those, not this. */"
        yield f'#include "{self.stem}.h"'
        yield ""
        yield '#pragma GCC diagnostic ignored "-Woverlength-strings"'
        yield ""
        for schema_id, (_, text) in self.schemas.items():
            yield f"static const char schema_{schema_id}[] =\n{long_string(text)};\n"
        for enumeration in self.enums.values():
            yield from self.symbols_lines(f"{snake(enumeration.name)}_symbols", enumeration)
        for name, enumeration in self.written_enums():
            yield from self.symbols_lines(name, enumeration)
        events = {event.record.full_name: event for event in self.events}
        done = set()
        for record in self.records.values():
            yield from self.current_fields(record)
            yield from self.defaults(record)
            for schema_id, written in self.versions[record.full_name]:
                for dropped in self.dropped_records(written, schema_id):
                    if (dropped.full_name, schema_id) not in done:
                        done.add((dropped.full_name, schema_id))
                        yield from self.dropped_lines(dropped, schema_id)
                yield from self.written_fields(written, schema_id)
            yield from self.record_lines(record, events.get(record.full_name))
        yield f"const struct record *const {self.context}_{self.stem}[] = {{"
        for event in self.events:
            yield f"    &{snake(event.record.name)}_record,"
        yield "    NULL,"
        yield "};"


def write_records(tree, folder, output):
    """`output` is a path without its ending."""
    events = tree.events(folder)
    for event in events:
        check_released(event)
    source = Source(folder, output.name, events)
    source.check_names()
    for ending, lines in ((".h", source.header()), (".c", source.source())):
        write_if_changed(output.with_name(output.name + ending), "\n".join(lines) + "\n")
