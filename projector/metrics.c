/* projector's metrics. */
#include "projector/metrics.h"

#include <string.h>

static const struct {
    const char *name;
    enum metric_kind kind;
    const char *help;
} view_metric_table[] = {
#define VIEW_METRIC(member, metric_name, metric_kind, metric_help)                                 \
    [VIEW_METRIC_##member] = {metric_name, METRIC_##metric_kind, metric_help},
    VIEW_METRICS(VIEW_METRIC)
#undef VIEW_METRIC
};

static bool init_lag(struct view_metrics *metrics, const char *view, const struct sources *sources,
                     struct arena *arena)
{
    metrics->source_count = sources->count;
    metrics->lag_events = arena_alloc_zeroed(arena, sources->count * sizeof(*metrics->lag_events));
    if (metrics->lag_events == NULL)
        return false;
    for (size_t i = 0; i < sources->count; i++) {
        struct metric *metric = &metrics->lag_events[i];
        metric->name = "sijang_projector_lag_events";
        metric->help = "Records on the log that are not stored yet.";
        metric->kind = METRIC_GAUGE;
        metric->labels =
            arena_print(arena, "view=\"%s\",context=\"%s\",partition=\"%d\"", view,
                        sources->items[i].context->name, (int)sources->items[i].partition);
        if (metric->labels == NULL)
            return false;
    }
    return true;
}

bool view_metrics_init(struct view_metrics *metrics, const char *view,
                       const struct sources *sources, struct arena *arena, struct error *error)
{
    const char *labels = arena_print(arena, "view=\"%s\"", view);
    memset(metrics, 0, sizeof(*metrics));
    for (size_t i = 0; i < VIEW_METRIC_COUNT; i++) {
        metrics->by_name[i].name = view_metric_table[i].name;
        metrics->by_name[i].kind = view_metric_table[i].kind;
        metrics->by_name[i].help = view_metric_table[i].help;
        metrics->by_name[i].labels = labels;
    }
    if (labels == NULL || !init_lag(metrics, view, sources, arena))
        return error_set(error, FAULT_OUT_OF_MEMORY, "metrics of %s", view);
    return true;
}

struct metric *const *view_metrics_list(struct view_metrics *const *sets, size_t count,
                                        struct arena *arena)
{
    size_t total = count * VIEW_METRIC_COUNT + 1;
    for (size_t i = 0; i < count; i++)
        total += sets[i]->source_count;
    struct metric **list = arena_alloc(arena, total * sizeof(*list));
    if (list == NULL)
        return NULL;
    size_t next = 0;
    for (size_t metric = 0; metric < VIEW_METRIC_COUNT; metric++)
        for (size_t i = 0; i < count; i++)
            list[next++] = &sets[i]->by_name[metric];
    for (size_t i = 0; i < count; i++)
        for (size_t source = 0; source < sets[i]->source_count; source++)
            list[next++] = &sets[i]->lag_events[source];
    list[next] = NULL;
    return list;
}
