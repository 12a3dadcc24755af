/* What a worker tells the outside about its views, each turn. */
#include "lib/core/clock.h"
#include "lib/core/logger.h"
#include "projector/worker.h"

static int64_t records_behind(const struct worker *worker, const struct source *source)
{
    int64_t behind = worker->feeds.items[source->feed].end - source->stored.next;
    return behind > 0 ? behind : 0;
}

/* Since it was last at the end; before that ever happened, the age of what is stored. */
static int64_t ms_behind(const struct source *source, int64_t since_start_us, int64_t now_boot_us)
{
    if (source->at_end_boot_us != 0)
        return (now_boot_us - source->at_end_boot_us) / 1000;
    if (source->stored.time_us == 0)
        return since_start_us / 1000;
    int64_t age_us = clock_wall_us() - source->stored.time_us;
    return age_us > 0 ? age_us / 1000 : 0;
}

static void hear_ends(struct worker *worker)
{
    for (size_t i = 0; i < worker->feeds.count; i++) {
        struct feed *feed = &worker->feeds.items[i];
        if (worker->reader != NULL && feed->number != FEED_UNNUMBERED)
            feed->end = log_reader_connected(worker->reader)
                            ? log_reader_end(worker->reader, feed->number)
                            : LOG_OFFSET_NONE; /* it may have grown since */
    }
}

static void measure_lag(const struct worker *worker, struct projection *projection,
                        int64_t now_boot_us)
{
    struct health_report *report = &projection->report;
    report->lag_known = true;
    report->lag_events = 0;
    report->lag_ms = 0;
    for (size_t i = 0; i < projection->sources.count; i++) {
        struct source *source = &projection->sources.items[i];
        metric_set(&projection->metrics.lag_events[i], 0);
        if (!source->held)
            continue;
        if (worker->feeds.items[source->feed].end == LOG_OFFSET_NONE) {
            report->lag_known = false;
            continue;
        }
        int64_t behind = records_behind(worker, source);
        int64_t ms = ms_behind(source, now_boot_us - projection->started_boot_us, now_boot_us);
        if (behind == 0)
            source->at_end_boot_us = now_boot_us;
        else if (ms > report->lag_ms)
            report->lag_ms = ms;
        report->lag_events += behind;
        metric_set(&projection->metrics.lag_events[i], behind);
    }
}

static void tell_halt(const struct projection *projection, struct source *source)
{
    struct halt *halt = &source->halt;
    if (halt->told)
        return;
    halt->told = true;
    log_error("view_halted", LOG_STRING("view", projection->view->name),
              LOG_STRING("context", source->context->name),
              LOG_NUMBER("partition", source->partition), LOG_NUMBER("offset", halt->offset),
              LOG_STRING("type", halt->event), LOG_STRING("key", halt->key),
              LOG_ERROR(&halt->error));
}

static void count_halts(struct projection *projection)
{
    struct health_report *report = &projection->report;
    report->halted_count = 0;
    for (size_t i = projection->sources.count; i-- > 0;) {
        struct source *source = &projection->sources.items[i];
        if (!source->halt.halted)
            continue;
        tell_halt(projection, source);
        report->halted_count++;
        report->halted_partition = source->partition;
        report->halted_context = source->context->name;
        report->halt = source->halt;
    }
}

static bool watch_log(struct worker *worker)
{
    bool connected = worker->reader != NULL && log_reader_connected(worker->reader);
    if (connected == worker->log_was_connected)
        return connected;
    worker->log_was_connected = connected;
    if (connected)
        log_info("log_connected", LOG_NUMBER("views", (int64_t)worker->set.count));
    else
        log_warning("log_away", LOG_NUMBER("views", (int64_t)worker->set.count));
    return connected;
}

static void set_metrics(const struct worker *worker, struct projection *projection)
{
    const struct health_report *report = &projection->report;
    struct view_metrics *metrics = &projection->metrics;
    metric_set(VIEW_METRIC_OF(metrics, partitions), (int64_t)report->partitions);
    metric_set(VIEW_METRIC_OF(metrics, halted), (int64_t)report->halted_count);
    metric_set(VIEW_METRIC_OF(metrics, parked_keys), (int64_t)report->parked_keys);
    metric_set(VIEW_METRIC_OF(metrics, lag_ms), report->lag_ms);
    metric_set(VIEW_METRIC_OF(metrics, heartbeat_ms), report->heartbeat_boot_us / 1000);
    if (worker->reader != NULL)
        metric_set(VIEW_METRIC_OF(metrics, voided), log_reader_statistics(worker->reader)->voided);
}

void worker_report(struct worker *worker)
{
    int64_t now_boot_us = clock_boot_us();
    bool connected = watch_log(worker);
    hear_ends(worker);
    for (size_t i = 0; i < worker->set.count; i++) {
        struct projection *projection = worker->set.items[i];
        projection->report.heartbeat_boot_us = now_boot_us;
        projection->report.log_connected = connected;
        projection->report.database_connected = worker->connection != NULL;
        projection->report.waiting = worker->waiting;
        projection->report.partitions = sources_held(&projection->sources);
        projection->report.parked_keys = projection->fold.parked.stored;
        measure_lag(worker, projection, now_boot_us);
        count_halts(projection);
        set_metrics(worker, projection);
        health_publish(&projection->health, &projection->report);
    }
}

bool worker_is_at_end(const struct worker *worker)
{
    for (size_t i = 0; i < worker->set.count; i++)
        if (!worker->set.items[i]->report.lag_known || worker->set.items[i]->report.lag_events > 0)
            return false;
    return true;
}
