/* Ready is what a question would find now, not what start-up found. */
#include "query-svc/health.h"
#include "lib/core/logger.h"
#include "lib/core/shutdown.h"
#include "query-svc/query_metrics.h"

#define WATCH_MS 200

bool health_ready(void *self, struct buffer *out)
{
    const struct query_service *service = self;
    bool connected = service_connected(service);
    bool fresh = views_fresh(service->views);

    buffer_print(out, "\"database_connected\":%s,\"positions_fresh\":%s",
                 connected ? "true" : "false", fresh ? "true" : "false");
    return connected && fresh;
}

enum database_state { NOT_TRIED, CONNECTED, LOST };

static enum database_state look(struct query_service *service, struct error *ret_trouble)
{
    if (!service_connected(service))
        service_trouble(service, ret_trouble);
    else if (!views_fresh(service->views))
        views_trouble(service->views, ret_trouble);
    else
        return CONNECTED;
    return ret_trouble->fault != FAULT_NONE ? LOST : NOT_TRIED;
}

void health_watch(struct query_service *service)
{
    enum database_state before = NOT_TRIED;

    do {
        struct error trouble;
        enum database_state now = look(service, &trouble);
        query_metrics_connected(now == CONNECTED);
        if (now == CONNECTED && before != CONNECTED)
            log_info("database_connected", LOG_NONE);
        else if (now == LOST && before != LOST)
            log_warning("database_lost", LOG_ERROR(&trouble));
        before = now;
    } while (!shutdown_wait(WATCH_MS));
}
