/* Counters, gauges and latency histograms as constants in a program's visible list, rendered in the
 * Prometheus text format. Updates are lock-free and come from any thread. */
#pragma once

#include "lib/core/buffer.h"
#include <stdatomic.h>
#include <stdint.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRIC_BUCKETS 28

struct metric {
    const char *name; /* sijang_..., unit last */
    const char *help;
    enum metric_kind kind;
    const char *labels; /* "view=\"product_list\"", or NULL */
    _Atomic int64_t value;
    /* histograms: observations in microseconds, rendered in seconds; bucket i holds <= 2^i us */
    _Atomic int64_t sum_us;
    _Atomic int64_t buckets[METRIC_BUCKETS];
};

void metric_add(struct metric *metric, int64_t amount);
void metric_set(struct metric *metric, int64_t value);
void metric_observe_us(struct metric *histogram, int64_t duration_us);
/* `list` is NULL-terminated; metrics of one name stand next to each other. */
void metrics_render(struct metric *const *list, struct buffer *out);
