/* A record with a field of every kind, its Avro schema, and values drawn at random for it. */
#pragma once

#include "lib/core/arena.h"
#include "lib/record/record.h"

#define SAMPLE_SCHEMA_ID 4242

enum sample_colour { COLOUR_RED, COLOUR_GREEN, COLOUR_BLUE };

struct sample_line {
    struct text product_id;
    int64_t quantity;
    struct optional_integer discount;
};

struct sample_place {
    bool inside;
    int colour;
    struct text street;
};

struct sample {
    struct text id;
    struct text remark;
    int64_t amount;
    struct optional_integer ceiling;
    int64_t small;
    bool open;
    struct optional_boolean agreed;
    int colour;
    struct optional_choice shade;
    struct list lines;
    struct list extras;
    struct sample_place place;
    struct text raw;
    struct text sealed;
};

extern const struct record sample_line_record;
extern const struct record sample_place_record;
extern const struct record sample_record;
extern const char sample_schema[];

/* Deterministic: the same seed gives the same values. */
struct draw {
    uint64_t state;
};
uint64_t draw_number(struct draw *draw, uint64_t below);
struct text draw_text(struct draw *draw, size_t characters_max, struct arena *arena);
void draw_record(struct draw *draw, const struct record *record, struct arena *arena,
                 void *ret_value);

/* Field by field; lists and texts by what is in them. */
bool same_record(const struct record *record, const void *a, const void *b);
