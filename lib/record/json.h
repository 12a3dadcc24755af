/* JSON between clients and structs, by the same tables. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/buffer.h"
#include "lib/core/error.h"
#include "lib/record/record.h"

#define FIELD_ERRORS_MAX 16

/* What is wrong with one field, for a person and for a program. Borrowed from arena or literals. */
struct field_error {
    const char *field; /* dotted path, lines.2.quantity */
    const char *code;  /* missing, unknown, wrong_type, too_short, too_long, too_small, too_large,
                          bad_format, not_a_choice, duplicate */
    const char *message;
};

struct field_errors {
    struct field_error entries[FIELD_ERRORS_MAX];
    size_t count;
};

/* One input being read, out of a body and a path. The caller sets the arena, the rest zero. */
struct json_reading {
    struct arena *arena; /* for texts, lists and what the errors say */
    struct field_errors errors;
    const char *where; /* why it is MALFORMED, else NULL */
};

enum json_outcome { JSON_OK, JSON_MALFORMED, JSON_INVALID, JSON_OUT_OF_MEMORY };

/* Reads one JSON object into *ret_value; errors start anew. Unknown and in_path members are
 * errors (unknown, duplicate), the same member twice is malformed, depth is limited to 16. A field
 * that is not optional is required, whatever record->defaults says. Texts are copied into the
 * arena. MALFORMED: `where` says why; INVALID: the errors are filled. An empty body is read
 * as {}. */
MUST_CHECK enum json_outcome json_read(const struct record *record, struct text body,
                                       struct json_reading *reading, void *ret_value);
/* Checks and sets one in_path field from text, by the same rules; adds to the errors. */
MUST_CHECK enum json_outcome json_set_text(const struct record *record, const char *name,
                                           struct text value, struct json_reading *reading,
                                           void *ret_value);

/* Writes {...}; absent optional and secret fields are left out. Check out->failed. */
void json_write(const struct record *record, const void *value, struct buffer *out);
/* The members alone, without braces, for an object that has more; false if it wrote none. */
bool json_write_members(const struct record *record, const void *value, struct buffer *out);
