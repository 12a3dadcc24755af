/* How rows become an answer. */
#pragma once

#include "lib/db/connection.h"
#include "query-svc/question.h"
#include "query-svc/views.h"

struct answer {
    enum fault fault;              /* NONE: go on */
    const struct problem *problem; /* NULL: go on */
    int status;
    struct text body;
    const char *etag; /* quoted; NULL: none */
    struct view_standing standing;
};

struct answering {
    const struct question *question;
    const void *input;
    struct arena *arena;      /* body and ETag are from it */
    struct buffer *rendering; /* used meanwhile */
};

void answer_rows(struct answer *answer, const struct answering *with, const struct db_rows *rows);
