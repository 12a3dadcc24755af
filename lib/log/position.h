/* Where in the log something stands, so that it can be compared with the log at every attach. */
#pragma once

#include "lib/core/id.h"
#include "lib/core/text.h"
#include <stdbool.h>
#include <stdint.h>

#define LOG_OFFSET_NONE    (-1)
#define POSITION_TEXT_SIZE 128

/* Plain data, stored as it is in the index and as columns in Postgres. */
struct log_position {
    struct uuid log;     /* given by the first claim in this partition; all zero: none yet */
    int64_t next;        /* offset of the first record not read; never inside an open commit */
    int64_t last_offset; /* of the last valid record or claim before `next`; NONE if none */
    int64_t term;        /* of that record (its own offset for a claim); NONE if none */
    int64_t seq;         /* of that record; 0 for a claim */
    int64_t time_us;     /* running maximum of append times up to there */
};

void log_position_start(struct log_position *ret_position); /* nothing read yet */

/* A commit's place as clients carry it: `context/partition@offset~log`, offset of its last record.
 * A reader has it when its position.next > offset and the identities agree. Several: comma
 * separated. */
struct log_mark {
    struct text context; /* borrowed */
    int32_t partition;
    int64_t offset;
    struct uuid log;
};

/* log_mark_format truncates nothing: contexts are at most 40 characters. Returns its length. */
size_t log_mark_format(const struct log_mark *mark, char ret_string[static POSITION_TEXT_SIZE]);
/* Takes the next mark off *list, leaving the rest; false at the end or on a malformed one, which
 * *ret_malformed tells apart. */
bool log_mark_parse(struct text *list, struct log_mark *ret_mark, bool *ret_malformed);
