/* The public copy of an event: key, value and headers of the original, and behind them the position
 * of its commit, so that the newest copy says how far its source has been copied. Pure. */
#pragma once

#include "lib/log/envelope_wire.h"
#include "lib/log/position.h"

#define PUBLIC_POSITION_HEADER "ce_position"
#define PUBLIC_FENCE_HEADER    "ce_fence"

/* Under construction; not to be copied: it points into itself. */
struct public_record {
    struct log_record record; /* borrows from the event, too */
    struct envelope envelope;
    struct log_header headers[ENVELOPE_HEADERS_MAX + 1];
    char position[POSITION_TEXT_SIZE];
};

/* `commit` is the position of the commit that the event belongs to. */
void public_record_write(const struct log_event *event, const struct log_mark *commit,
                         struct public_record *ret_record);

/* What two headers of a public record say. */
struct public_source {
    struct log_mark commit; /* its context is borrowed from the header */
    struct log_fence fence;
};

/* Where the source is read on, behind the commit of this copy. DATA_CORRUPT: a relay would not have
 * written it as the last one. */
MUST_CHECK bool public_record_read(struct text position, struct text fence,
                                   struct public_source *ret_source, struct error *error);
void public_record_resume(const struct public_source *source, struct log_position *ret_from);
