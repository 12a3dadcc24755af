/* Ready is what a question would find now, not what start-up found. */
#include "query-svc/health.h"
#include "lib/core/logger.h"
#include "lib/core/shutdown.h"
#include "query-svc/query_metrics.h"

#define WATCH_MS 200

bool health_ready(void *self, struct buffer *out)
{
    const struct query_service *service = self;
    bool connected = db_pipeline_connected(service->pipeline);
    bool fresh = views_fresh(service->views);

    buffer_print(out, "\"database_connected\":%s,\"positions_fresh\":%s",
                 connected ? "true" : "false", fresh ? "true" : "false");
    return connected && fresh;
}

static void note_change(struct query_service *service, bool connected)
{
    struct error trouble;

    query_metrics_connected(connected);
    db_pipeline_trouble(service->pipeline, &trouble);
    if (connected)
        log_info("database_connected", LOG_NONE);
    else if (trouble.fault != FAULT_NONE)
        log_warning("database_lost", LOG_ERROR(&trouble));
}

/* The first time is a change from nothing known. */
void health_watch(struct query_service *service)
{
    bool known = false, before = false;

    while (!shutdown_wait(WATCH_MS)) {
        bool connected = db_pipeline_connected(service->pipeline);
        if (!known || connected != before)
            note_change(service, connected);
        known = true;
        before = connected;
    }
}
