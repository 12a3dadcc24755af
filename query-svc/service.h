/* What the parts of query-svc have in common while it runs. */
#pragma once

#include "lib/core/buffer.h"
#include "lib/db/pipeline.h"
#include "lib/web/auth.h"
#include "query-svc/config.h"
#include "query-svc/live.h"
#include "query-svc/views.h"

/* Questions about one row never wait behind lists, which may have to look at many. */
enum question_kind {
    QUESTION_ROW,
    QUESTION_LIST,
    QUESTION_KIND_COUNT,
};

struct question_line {
    struct db_pipeline *pipeline;
    struct buffer rendering; /* the pipeline's thread only */
};

struct query_service {
    const struct query_config *config;
    struct web_auth *auth;
    struct views *views;
    struct question_line lines[QUESTION_KIND_COUNT];
    struct live *live;
};

/* All lines have a connection. */
bool service_connected(const struct query_service *service);
/* Why one of them has none; FAULT_NONE: not tried yet. */
void service_trouble(struct query_service *service, struct error *ret_trouble);

/* Everything but the server. The database may come later. */
MUST_CHECK bool service_start(struct query_service *service, const struct query_config *config,
                              struct error *error);
/* No request may be under way any more; also after a failed start. */
void service_stop(struct query_service *service);
/* The server that asks this service. */
MUST_CHECK struct web_server *service_listen(struct query_service *service, struct error *error);
