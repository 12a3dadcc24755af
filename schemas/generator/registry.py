"""All released schemas as one table, for those who ask the registry by id or by subject."""

import json

from .c_text import long_string, string, write_if_changed
from .releases import PLATFORM, check_released
from .schema import SchemaError, nested_records, snake

HEADER = """\
/* Every schema ever released, as the registry's read paths serve it. Made from schemas/released. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct registry_schema {
    uint32_t schema_id;
    const char *context;
    const char *name;      /* ProductListed */
    const char *full_name; /* sijang.catalog.ProductListed */
    uint32_t version;      /* within its subject, from 1 */
    const char *subject;   /* <topic>-<full name>; of the platform, in every topic: <full name> */
    const char *schema;    /* Avro, JSON text */
};

/* By id, ascending. */
extern const struct registry_schema registry_schemas[];
extern const size_t registry_schema_count;
"""


def subject(release):
    full_name = release.record.full_name
    if release.context == PLATFORM:
        return full_name
    return f"sijang.{release.context}.events.v1-{full_name}"


def source(releases):
    yield "/* Made from schemas/released: change the schemas, not this. */"
    yield '#include "registry.h"'
    yield ""
    yield '#pragma GCC diagnostic ignored "-Woverlength-strings"'
    yield ""
    yield "const struct registry_schema registry_schemas[] = {"
    for release in releases:
        record = release.record
        text = json.dumps(release.schema, separators=(",", ":"), ensure_ascii=False)
        strings = [release.context, record.name, record.full_name]
        yield f"    {{{release.schema_id}, {', '.join(map(string, strings))}, {release.version},"
        yield f"     {string(subject(release))},"
        yield f"{long_string(text)}}},"
    yield "};"
    yield f"const size_t registry_schema_count = {len(releases)};"


def check_unique(tree, contexts):
    """All contexts are linked into one program: their structs share one space of names."""
    owners = {}
    for context in contexts:
        for event in tree.events(tree.folder(context)):
            check_released(event)
            for record in [event.record, *nested_records(event.record)]:
                name = snake(record.name)
                if owners.setdefault(name, context) != context:
                    raise SchemaError(event.path, "", f"{owners[name]} has a struct {name} as well")


def write_registry(tree, output):
    check_unique(tree, [PLATFORM, *tree.contexts()])
    releases = sorted(tree.releases(), key=lambda release: release.schema_id)
    write_if_changed(output.with_name(output.name + ".h"), HEADER)
    write_if_changed(output.with_name(output.name + ".c"), "\n".join(source(releases)) + "\n")
