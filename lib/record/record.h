/* A record describes a plain C struct as a table of fields. One table serves them all: Avro bytes
 * on the log, JSON over HTTP, columns in Postgres, state in the index. */
#pragma once

#include "lib/core/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
    FIELD_INTEGER, /* int64_t                       Avro long or int   */
    FIELD_BOOLEAN, /* bool                          Avro boolean       */
    FIELD_TEXT,    /* struct text, UTF-8            Avro string        */
    FIELD_BYTES,   /* struct text                   Avro bytes         */
    FIELD_CHOICE,  /* int, index into .symbols      Avro enum          */
    FIELD_LIST,    /* struct list of .of            Avro array of record */
    FIELD_RECORD,  /* the struct of .of, in place   Avro record        */
};

enum text_format {
    TEXT_ANY,
    TEXT_UUID, /* 36 characters, stored lower case */
    TEXT_NAME, /* 1 or more of A-Z a-z 0-9 . _ ~ - : safe in a path */
};

/* In a struct, optional integers, booleans and choices have these types; an optional text, list or
 * bytes is absent when its pointer is NULL; records are never optional. In Avro: union of null. */
struct optional_integer {
    int64_t value;
    bool present;
};
struct optional_boolean {
    bool value;
    bool present;
};
struct optional_choice {
    int value;
    bool present;
};

struct list {
    const void *items; /* array of the struct of .of, count long */
    size_t count;
};

struct record;

struct field {
    const char *name; /* snake_case, the same on every floor */
    enum field_kind kind;
    bool optional;
    bool secret;   /* never hashed, logged or written as JSON */
    bool in_path;  /* JSON: taken from the path parameter of this name, not from the body */
    size_t offset; /* in the C struct */
    /* Bounds of what a client may send: integers by value, texts by characters, lists by count.
     * Both 0: none but the type's own (texts: 64 KiB, lists: 1,000). max below min: no upper one.
     * Exactly those of 32 bits make an integer an Avro int, checked in both directions. */
    int64_t min, max;
    enum text_format format;
    const char *const *symbols; /* choices: NULL-terminated */
    const struct record *of;    /* lists and records */
};

/* One released schema of a record, as its writer wrote it. fields[i] is in writer's order; its
 * target is an index into the reader's fields, or -1: decode and skip. Reader fields named by no
 * writer field keep the value of record.defaults. */
struct writer_field {
    struct field field; /* .offset unused */
    int target;
};

struct record_version {
    uint32_t schema_id;
    const struct writer_field *fields;
    size_t field_count;
    const char *schema; /* the Avro schema, JSON text */
};

struct record {
    const char *name; /* ProductListed */
    const char
        *full_name; /* sijang.catalog.ProductListed, as in ce_type; NULL if never on the log */
    size_t size;    /* of the C struct */
    const struct field *fields;
    size_t field_count;
    const void *defaults;                  /* a struct with every default; NULL: all zero */
    uint32_t schema_id;                    /* of the newest version; 0: not on the log */
    const struct record_version *versions; /* every version ever released */
    size_t version_count;
};

/* NULL when there is none of that name. */
const struct field *record_find_field(const struct record *record, const char *name);

/* Every field as record->defaults says. */
void record_set_defaults(const struct record *record, void *ret_value);

/* `at` is the field's place in the struct. Absent: optional, and nothing there. */
bool field_is_absent(const struct field *field, const void *at);
void field_set_absent(const struct field *field, void *at); /* optional fields only */
/* What a choice is called; NULL when it has no such index. */
const char *field_symbol(const struct field *field, int64_t index);
/* The index of a choice's symbol; -1 when there is none. */
int field_find_symbol(const struct field *field, struct text symbol);

/* For hand-written tables (inputs, states, rows). */
#define FIELD_AT(type, member) .name = #member, .offset = offsetof(struct type, member)
#define COUNT_OF(array)        (sizeof(array) / sizeof((array)[0]))
