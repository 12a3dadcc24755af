/* What a room says about one of its questions: path, input, view, statement, and what the answer
 * is. The service does the rest, the same for all. */
#pragma once

#include "lib/core/metrics.h"
#include "lib/db/statement.h"
#include "lib/web/problem.h"

/* A read model as its readers see it. */
struct view {
    const char *name;
    const char *const *contexts;          /* whose events it reads; NULL-terminated */
    const struct db_statement *positions; /* its rows are view_position_record's */
    struct metric *lag;                   /* records of the log */
};

struct view_position {
    int64_t partition;
    struct text context;
    struct text log; /* absent: nothing read yet */
    int64_t next_offset;
    int64_t end_offset; /* negative: not known */
    int64_t parked;     /* events */
    int64_t age_ms;     /* of what this row says */
};
extern const struct record view_position_record;

struct question {
    const char *path;
    const char *live_path; /* the same as a live answer: query-svc/live.h; NULL: there is none */
    unsigned roles;        /* of enum role: who may ask; 0: anybody, without a token */
    const struct view *view;
    /* Every field is .in_path: taken from the path or else from the query string. */
    const struct record *input;
    const char *key; /* the input field whose partition the answer is about; NULL: all partitions */
    const struct db_statement *const *statements; /* all that bind may choose; NULL-terminated */
    /* Chooses the statement and fills in its values; NULL when the arena is full. */
    const struct db_statement *(*bind)(const void *input, struct arena *arena,
                                       struct db_value *values);
    const struct problem *missing; /* what no row means; NULL: the answer is a list, see page.h */
    const char *version; /* of one row: the integer column that is its ETag; may be NULL */
};
