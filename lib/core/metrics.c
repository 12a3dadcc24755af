/* Prometheus text exposition format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format). */
#include "lib/core/metrics.h"

#include <assert.h>
#include <string.h>

void metric_add(struct metric *metric, int64_t amount)
{
    assert(metric->kind != METRIC_HISTOGRAM);
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    assert(metric->kind == METRIC_GAUGE);
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

/* The smallest i with duration <= 2^i. */
static unsigned bucket_of(int64_t duration_us)
{
    if (duration_us <= 1)
        return 0;
    return 64 - (unsigned)__builtin_clzll((unsigned long long)duration_us - 1);
}

void metric_observe_us(struct metric *histogram, int64_t duration_us)
{
    assert(histogram->kind == METRIC_HISTOGRAM);
    if (duration_us < 0)
        duration_us = 0;
    /* .value counts all observations, before the bucket: a reader never sees fewer than in the
     * buckets. */
    atomic_fetch_add_explicit(&histogram->value, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, duration_us, memory_order_relaxed);
    unsigned bucket = bucket_of(duration_us);
    if (bucket < METRIC_BUCKETS)
        atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_release);
}

static void put_seconds(struct buffer *out, int64_t us)
{
    buffer_print(out, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

static void put_help(struct buffer *out, const struct metric *metric)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
    };
    buffer_print(out, "# HELP %s ", metric->name);
    for (const char *at = metric->help; *at != '\0'; at++) {
        if (*at == '\\')
            buffer_put_string(out, "\\\\");
        else if (*at == '\n')
            buffer_put_string(out, "\\n");
        else
            buffer_put_byte(out, (uint8_t)*at);
    }
    buffer_print(out, "\n# TYPE %s %s\n", metric->name, kinds[metric->kind]);
}

/* name<suffix>{labels} and a space */
static void put_sample_name(struct buffer *out, const struct metric *metric, const char *suffix)
{
    buffer_put_string(out, metric->name);
    buffer_put_string(out, suffix);
    if (metric->labels != NULL)
        buffer_print(out, "{%s}", metric->labels);
    buffer_put_byte(out, ' ');
}

static void put_bucket_head(struct buffer *out, const struct metric *metric)
{
    buffer_print(out, "%s_bucket{%s%sle=\"", metric->name,
                 metric->labels == NULL ? "" : metric->labels, metric->labels == NULL ? "" : ",");
}

static void put_histogram(struct buffer *out, struct metric *metric)
{
    int64_t below = 0;
    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        below += atomic_load_explicit(&metric->buckets[i], memory_order_acquire);
        put_bucket_head(out, metric);
        put_seconds(out, INT64_C(1) << i);
        buffer_put_string(out, "\"} ");
        buffer_put_integer(out, below);
        buffer_put_byte(out, '\n');
    }
    int64_t count = atomic_load_explicit(&metric->value, memory_order_relaxed);
    put_bucket_head(out, metric);
    buffer_put_string(out, "+Inf\"} ");
    buffer_put_integer(out, count);
    buffer_put_byte(out, '\n');
    put_sample_name(out, metric, "_sum");
    put_seconds(out, atomic_load_explicit(&metric->sum_us, memory_order_relaxed));
    buffer_put_byte(out, '\n');
    put_sample_name(out, metric, "_count");
    buffer_put_integer(out, count);
    buffer_put_byte(out, '\n');
}

void metrics_render(struct metric *const *list, struct buffer *out)
{
    const char *previous = "";
    for (struct metric *const *at = list; *at != NULL; at++) {
        struct metric *metric = *at;
        if (strcmp(metric->name, previous) != 0)
            put_help(out, metric);
        previous = metric->name;
        if (metric->kind == METRIC_HISTOGRAM) {
            put_histogram(out, metric);
            continue;
        }
        put_sample_name(out, metric, "");
        buffer_put_integer(out, atomic_load_explicit(&metric->value, memory_order_relaxed));
        buffer_put_byte(out, '\n');
    }
}
