/* What main puts together: the views, the worker that keeps them, and the server that tells how
 * they are. */
#pragma once

#include "lib/core/arena.h"
#include "lib/web/probes.h"
#include "projector/desk.h"
#include "projector/rebuild.h"
#include "projector/worker.h"

struct service {
    struct projector_config config;
    struct arena arena; /* metrics' labels and lists */
    struct projection **projections;
    struct view_metrics **metrics;
    size_t view_count;
    struct share *share;
    struct worker *worker;
    struct desk *desk;
    struct rebuilds *rebuilds;
    struct web_probes probes;
    struct web_server *server;
};

/* With .config filled. Stop it also after a failure. */
MUST_CHECK bool service_start(struct service *service, struct error *error);
/* False: a worker had to refuse its work. */
bool service_stop(struct service *service);
