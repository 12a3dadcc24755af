/* Live answers: a question that is asked again whenever its view has moved, and sent anew when the
 * answer has changed. Everybody who asks the same thing shares one topic: it costs the database one
 * question, whoever listens. */
#pragma once

#include "lib/db/pipeline.h"
#include "lib/web/server.h"
#include "query-svc/views.h"

struct live;
struct question_line;

struct live_options {
    struct views *views;
    size_t streams_max;
};

/* What somebody wants to follow. */
struct live_wish {
    const struct question *question;
    struct question_line *line;
    const void *input; /* of the request: copied */
    int32_t partition; /* or VIEWS_ALL_PARTITIONS */
    struct text seen;  /* the id of the last event the client has; absent: none */
};

MUST_CHECK struct live *live_start(const struct live_options *options, struct error *error);
/* On an HTTP thread; answers the request: with a stream, or a fault. */
void live_open(struct live *live, struct web_request *request, const struct live_wish *wish);
/* Ends all streams and opens none from now on. */
void live_end(struct live *live);
/* Waits for questions under way: before the pipelines stop. NULL accepted. */
struct live *live_stop(struct live *live);
