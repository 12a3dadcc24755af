/* projector's metrics: one set per view. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/error.h"
#include "lib/core/metrics.h"
#include "projector/source.h"

/* member, name, kind, help */
#define VIEW_METRICS(X)                                                                            \
    X(events, "sijang_projector_events_total", COUNTER, "Events applied and stored.")              \
    X(rows, "sijang_projector_rows_total", COUNTER, "Rows written, after folding.")                \
    X(transactions, "sijang_projector_transactions_total", COUNTER, "Transactions committed.")     \
    X(fenced, "sijang_projector_fenced_total", COUNTER,                                            \
      "Transactions given up because another projector had written.")                              \
    X(faults, "sijang_projector_faults_total", COUNTER, "Times the worker had to begin again.")    \
    X(voided, "sijang_projector_void_records", GAUGE,                                              \
      "Records read that the log's rule makes void, since the start.")                             \
    X(partitions, "sijang_projector_partitions", GAUGE,                                            \
      "Partitions that this process works; others may work the rest.")                             \
    X(halted, "sijang_projector_halted_partitions", GAUGE,                                         \
      "Partitions that wait for another program or another log.")                                  \
    X(parked_keys, "sijang_projector_parked_keys", GAUGE,                                          \
      "Rows that wait for a person: an event cannot be applied.")                                  \
    X(lag_ms, "sijang_projector_lag_milliseconds", GAUGE,                                          \
      "How long the partition furthest behind has been behind.")                                   \
    X(heartbeat_ms, "sijang_projector_heartbeat_milliseconds", GAUGE,                              \
      "Boot time of the worker's last turn.")                                                      \
    X(batch, "sijang_projector_batch_duration_seconds", HISTOGRAM,                                 \
      "From events read to rows committed.")                                                       \
    X(latency, "sijang_projector_append_to_commit_seconds", HISTOGRAM,                             \
      "From the log's append time to rows committed.")

enum view_metric {
#define VIEW_METRIC(member, name, kind, help) VIEW_METRIC_##member,
    VIEW_METRICS(VIEW_METRIC)
#undef VIEW_METRIC
        VIEW_METRIC_COUNT,
};

struct view_metrics {
    struct metric by_name[VIEW_METRIC_COUNT];
    struct metric *lag_events; /* one per source */
    size_t source_count;
};

#define VIEW_METRIC_OF(metrics, member) (&(metrics)->by_name[VIEW_METRIC_##member])

/* Labels and lists come from the arena, which must outlive all of them. */
MUST_CHECK bool view_metrics_init(struct view_metrics *metrics, const char *view,
                                  const struct sources *sources, struct arena *arena,
                                  struct error *error);
/* For metrics_render: NULL-terminated, those of one name side by side. NULL: memory ran out. */
MUST_CHECK struct metric *const *view_metrics_list(struct view_metrics *const *sets, size_t count,
                                                   struct arena *arena);
