/* What a worker tells the outside each turn. */
#include "lib/core/clock.h"
#include "lib/core/logger.h"
#include "projector/worker.h"

static int64_t records_behind(const struct source *source)
{
    int64_t behind = source->end - source->stored.next;
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

static void measure_lag(struct worker *worker, int64_t now_boot_us)
{
    struct health_report *report = &worker->report;
    report->lag_known = true;
    report->lag_events = 0;
    report->lag_ms = 0;
    for (size_t i = 0; i < worker->sources.count; i++) {
        struct source *source = &worker->sources.items[i];
        if (worker->reader != NULL)
            source->end = log_reader_end(worker->reader, (int32_t)i);
        if (source->end == LOG_OFFSET_NONE) {
            report->lag_known = false;
            continue;
        }
        int64_t behind = records_behind(source);
        int64_t ms = ms_behind(source, now_boot_us - worker->started_boot_us, now_boot_us);
        if (behind == 0)
            source->at_end_boot_us = now_boot_us;
        else if (ms > report->lag_ms)
            report->lag_ms = ms;
        report->lag_events += behind;
        metric_set(&worker->metrics.lag_events[i], behind);
    }
}

static void tell_halt(const struct worker *worker, struct source *source)
{
    struct halt *halt = &source->halt;
    if (halt->told)
        return;
    halt->told = true;
    log_error("view_halted", LOG_STRING("view", worker->view->name),
              LOG_STRING("context", source->context->name),
              LOG_NUMBER("partition", source->partition), LOG_NUMBER("offset", halt->offset),
              LOG_STRING("type", halt->event), LOG_STRING("key", halt->key),
              LOG_ERROR(&halt->error));
}

static void count_halts(struct worker *worker)
{
    struct health_report *report = &worker->report;
    report->halted_count = 0;
    for (size_t i = worker->sources.count; i-- > 0;) {
        struct source *source = &worker->sources.items[i];
        if (!source->halt.halted)
            continue;
        tell_halt(worker, source);
        report->halted_count++;
        report->halted_partition = source->partition;
        report->halted_context = source->context->name;
        report->halt = source->halt;
    }
}

static void watch_log(struct worker *worker)
{
    bool connected = worker->reader != NULL && log_reader_connected(worker->reader);
    worker->report.log_connected = connected;
    if (connected == worker->log_was_connected)
        return;
    worker->log_was_connected = connected;
    if (connected)
        log_info("log_connected", LOG_STRING("view", worker->view->name));
    else
        log_warning("log_away", LOG_STRING("view", worker->view->name));
}

static void set_metrics(const struct worker *worker, struct view_metrics *metrics)
{
    const struct health_report *report = &worker->report;
    metric_set(VIEW_METRIC_OF(metrics, halted), (int64_t)report->halted_count);
    metric_set(VIEW_METRIC_OF(metrics, lag_ms), report->lag_ms);
    metric_set(VIEW_METRIC_OF(metrics, heartbeat_ms), report->heartbeat_boot_us / 1000);
    if (worker->reader != NULL)
        metric_set(VIEW_METRIC_OF(metrics, voided), log_reader_statistics(worker->reader)->voided);
}

void worker_report(struct worker *worker)
{
    int64_t now_boot_us = clock_boot_us();
    worker->report.heartbeat_boot_us = now_boot_us;
    watch_log(worker);
    measure_lag(worker, now_boot_us);
    count_halts(worker);
    set_metrics(worker, &worker->metrics);
    health_publish(&worker->health, &worker->report);
}

bool worker_is_at_end(const struct worker *worker)
{
    return worker->report.lag_known && worker->report.lag_events == 0;
}
