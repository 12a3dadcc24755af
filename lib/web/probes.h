/* GET /health (the process runs), /ready (it can do its work) and /metrics, the same on every
 * process. */
#pragma once

#include "lib/core/metrics.h"
#include "lib/web/server.h"

struct web_probes {
    struct metric *const *metrics; /* NULL-terminated */
    /* Writes the members of a JSON object that says why; false: 503. Called on HTTP threads. */
    bool (*ready)(void *self, struct buffer *out);
    void *self;
};

/* A route table for web_server_options.routes; `probes` is found through web_probes_set, once,
 * before the server starts. */
extern const struct web_route web_probe_routes[];
void web_probes_set(const struct web_probes *probes);
