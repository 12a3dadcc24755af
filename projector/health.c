/* What a worker says about itself. */
#include "projector/health.h"

#include <assert.h>

#define HEARTBEAT_AGE_US_MAX INT64_C(5000000)
#define PROGRESS_AGE_US_MAX  INT64_C(5000000)

void health_init(struct health *health)
{
    *health = (struct health){0};
    int failed = pthread_mutex_init(&health->mutex, NULL);
    assert(failed == 0);
}

void health_done(struct health *health)
{
    (void)pthread_mutex_destroy(&health->mutex);
}

void health_publish(struct health *health, const struct health_report *report)
{
    (void)pthread_mutex_lock(&health->mutex);
    health->report = *report;
    (void)pthread_mutex_unlock(&health->mutex);
}

void health_read(struct health *health, struct health_report *ret_report)
{
    (void)pthread_mutex_lock(&health->mutex);
    *ret_report = health->report;
    (void)pthread_mutex_unlock(&health->mutex);
}

bool health_is_ready(const struct health_report *report, int64_t now_boot_us,
                     int64_t lag_events_max)
{
    bool alive = report->heartbeat_boot_us > 0 &&
                 now_boot_us - report->heartbeat_boot_us <= HEARTBEAT_AGE_US_MAX;
    bool connected =
        report->database_connected && (report->log_connected || report->partitions == 0);
    bool near = report->lag_known && report->lag_events <= lag_events_max;
    bool moving = report->progress_boot_us > 0 &&
                  now_boot_us - report->progress_boot_us <= PROGRESS_AGE_US_MAX;
    return alive && connected && report->halted_count == 0 && report->waiting.fault == FAULT_NONE &&
           (near || moving);
}

static const char *json_boolean(bool value)
{
    return value ? "true" : "false";
}

/* Milliseconds ago; null: never. */
static void put_age(struct buffer *out, const char *name, int64_t boot_us, int64_t now_boot_us)
{
    if (boot_us == 0)
        buffer_print(out, ",\"%s\":null", name);
    else
        buffer_print(out, ",\"%s\":%lld", name, (long long)((now_boot_us - boot_us) / 1000));
}

static void put_error(struct buffer *out, const struct error *error)
{
    buffer_print(out, "{\"fault\":\"%s\",\"detail\":", fault_entry(error->fault)->code);
    buffer_put_json_string(out, text_of(error->detail));
    buffer_put_string(out, "}");
}

static void put_halt(struct buffer *out, const struct health_report *report)
{
    buffer_print(out, "{\"context\":\"%s\",\"partition\":%d,\"offset\":%lld,\"event\":",
                 report->halted_context, (int)report->halted_partition,
                 (long long)report->halt.offset);
    buffer_put_json_string(out, text_of(report->halt.event));
    buffer_put_string(out, ",\"key\":");
    buffer_put_json_string(out, text_of(report->halt.key));
    buffer_put_string(out, ",\"error\":");
    put_error(out, &report->halt.error);
    buffer_put_string(out, "}");
}

void health_write(const struct health_report *report, int64_t now_boot_us, bool ready,
                  struct buffer *out)
{
    buffer_print(out, "{\"ready\":%s,\"database\":%s,\"log\":%s,\"partitions\":%zu",
                 json_boolean(ready), json_boolean(report->database_connected),
                 json_boolean(report->log_connected), report->partitions);
    if (report->lag_known)
        buffer_print(out, ",\"lag_events\":%lld,\"lag_ms\":%lld", (long long)report->lag_events,
                     (long long)report->lag_ms);
    else
        buffer_put_string(out, ",\"lag_events\":null,\"lag_ms\":null");
    put_age(out, "heartbeat_age_ms", report->heartbeat_boot_us, now_boot_us);
    put_age(out, "progress_age_ms", report->progress_boot_us, now_boot_us);
    buffer_print(out, ",\"parked_keys\":%zu,\"halted_partitions\":%zu", report->parked_keys,
                 report->halted_count);
    if (report->halted_count > 0) {
        buffer_put_string(out, ",\"halt\":");
        put_halt(out, report);
    }
    if (report->waiting.fault != FAULT_NONE) {
        buffer_put_string(out, ",\"waiting_for\":");
        put_error(out, &report->waiting);
    }
    buffer_put_string(out, "}");
}
