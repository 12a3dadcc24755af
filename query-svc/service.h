/* What the parts of query-svc have in common while it runs. */
#pragma once

#include "lib/core/buffer.h"
#include "lib/db/pipeline.h"
#include "lib/web/auth.h"
#include "query-svc/config.h"
#include "query-svc/views.h"

struct query_service {
    const struct query_config *config;
    struct web_auth *auth;
    struct views *views;
    struct db_pipeline *pipeline;
    struct buffer rendering; /* the pipeline's thread only */
};
