/* A place in a log as an operator names it: begin, end, an offset, a time, a position. */
#pragma once

#include "lib/core/id.h"
#include "lib/log/admin.h"

enum place_kind { PLACE_BEGIN, PLACE_END, PLACE_OFFSET, PLACE_TIME, PLACE_POSITION };

struct place {
    enum place_kind kind;
    int64_t value;     /* offset, or microseconds */
    int32_t partition; /* of a POSITION */
    struct text context;
    struct uuid log;
};

#define PLACE_HELP                                                                                 \
    "begin, end, an offset, a time (2026-01-31T12:00:00Z: the first record appended then or\n"     \
    "      later), or a position (catalog/3@17~...: that partition's next record behind it)"

/* `option` is for the message. */
MUST_CHECK bool place_parse(const char *option, const char *text, struct place *ret_place,
                            struct error *error);
/* Within what is there: an offset below the first record is the first, one above the end is the
 * end. NONE: a position of another partition says nothing about this one. False: the log cannot be
 * asked, or the position is one of another context's log. */
MUST_CHECK bool place_find(struct log_admin *admin, const struct log_place *where,
                           const struct place *place, int64_t *ret_offset, struct error *error);
/* A position of another context, or of a log that is not the topic's any more. */
bool place_is_foreign(const struct place *place, const char *topic, const struct uuid *log);
