/* One view being kept: where it stands, the rows of it that were used lately, how it is. Belongs to
 * the worker that keeps it at present; `health` and `metrics` are read by everybody. */
#pragma once

#include "projector/config.h"
#include "projector/fold.h"
#include "projector/health.h"
#include "projector/latency.h"
#include "projector/metrics.h"

/* Whether the database has what this process believes. */
enum place {
    PLACE_SAME = 1,
    PLACE_RAISED, /* nowhere further back, but somebody has changed rows: read them again */
    PLACE_MOVED,  /* another projector has written */
};

/* Of a view that is listed with several revisions, as the database last said. */
enum projection_role {
    ROLE_UNKNOWN,
    ROLE_LIVE,   /* readers get it; all views of one revision */
    ROLE_BESIDE, /* the next one, or the one before */
    ROLE_ELSEWHERE,
};

struct projection {
    const struct view *view;
    struct sources sources;
    struct cache cache;
    struct fold fold;
    enum place place; /* as last compared */
    _Atomic enum projection_role role;
    struct health_report report;
    int64_t started_boot_us;
    struct health health;
    struct view_metrics metrics;
    struct latency latency; /* of events, from append to commit */
};

/* Those that one worker keeps. */
struct projection_set {
    struct projection **items;
    size_t count;
};

/* `config` and `arena` (for metrics' labels) must outlive it. */
MUST_CHECK struct projection *projection_create(const struct view *view,
                                                const struct projector_config *config,
                                                struct arena *arena, struct error *error);
struct projection *projection_destroy(struct projection *projection); /* NULL accepted */

/* What is cached may not be what the database has. */
void projection_forget(struct projection *projection);
