/* An inspector over the real broker. */
#include "ctl/topic_reading.h"

#include "lib/core/clock.h"
#include "lib/log/kafka_port.h"
#include "lib/log/position.h"
#include "schemas/contexts.h"
#include <stdio.h>
#include <stdlib.h>

#define FETCHED_BYTES_MAX (16 * 1024 * 1024)
#define POLL_MS           200
#define SILENCE_US_MAX    INT64_C(30000000)

struct topic_reading {
    struct topic_reading_options options;
    int32_t partition_count;
    int32_t *partitions; /* by source */
    struct log_port *port;
    struct log_inspector *inspector;
    bool enough;
    bool failed;
    struct error error;
};

const char *topic_named(const char *topic_or_context)
{
    const struct context *context = context_find(topic_or_context);

    return context == NULL ? topic_or_context : context->topic;
}

bool topic_counts(const char *topic, const struct log_inspection *inspection)
{
    return inspection->verdict == RECORD_EVENT ||
           (inspection->verdict == RECORD_UNCLAIMED && context_of_topic(topic) == NULL);
}

static void take_record(void *self, const struct log_inspection *inspection)
{
    struct topic_reading *reading = self;
    int32_t partition = reading->partitions[inspection->source];

    if (!reading->failed &&
        place_is_foreign(&reading->options.from, reading->options.topic, inspection->log))
        reading->failed =
            !error_set(&reading->error, FAULT_LOG_REPLACED,
                       "the position is of another log than %s is now", reading->options.topic);
    if (!reading->enough && !reading->failed)
        reading->enough = !reading->options.record(reading->options.self, partition, inspection);
}

static void take_stop(void *self, int32_t source, const struct error *error)
{
    struct topic_reading *reading = self;

    if (reading->failed)
        return;
    reading->failed = true;
    reading->error = *error;
    error_add(&reading->error, "%s/%d", reading->options.topic, (int)reading->partitions[source]);
}

static bool attach_one(struct topic_reading *reading, struct log_admin *admin, int32_t partition,
                       struct error *error)
{
    const struct log_place place = {reading->options.topic, partition};
    struct log_inspecting inspecting = {.topic = place.topic, .partition = partition};
    struct log_span span;
    int32_t source;

    if (!log_admin_span(admin, &place, &span, error) ||
        !place_find(admin, &place, &reading->options.from, &inspecting.from, error))
        return false;
    if (inspecting.from == LOG_OFFSET_NONE)
        return true;
    inspecting.first = span.first;
    inspecting.until = reading->options.follow ? LOG_OFFSET_NONE : span.end;
    if (!log_inspector_attach(reading->inspector, &inspecting, &source, error))
        return false;
    reading->partitions[source] = partition;
    return true;
}

static bool attach_all(struct topic_reading *reading, struct log_admin *admin, struct error *error)
{
    int32_t wanted = reading->options.partition;

    if (!log_admin_partition_count(admin, reading->options.topic, &reading->partition_count, error))
        return false;
    if (wanted >= reading->partition_count)
        return error_set(error, FAULT_CONFIG_INVALID, "%s has %d partitions, 0 the first",
                         reading->options.topic, (int)reading->partition_count);
    reading->partitions = calloc((size_t)reading->partition_count, sizeof(*reading->partitions));
    if (reading->partitions == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "partitions");
    for (int32_t i = 0; i < reading->partition_count; i++)
        if ((wanted == ALL_PARTITIONS || wanted == i) && !attach_one(reading, admin, i, error))
            return false;
    return true;
}

static bool open_log(struct topic_reading *reading, struct error *error)
{
    const struct kafka_port_options port = {
        .brokers = reading->options.brokers,
        .client_id = "sijangctl",
        .fetched_bytes_max = FETCHED_BYTES_MAX,
        .committed = context_of_topic(reading->options.topic) == NULL,
    };
    const struct log_inspector_handler handler = {
        .self = reading, .record = take_record, .stopped = take_stop};

    reading->port = kafka_port_create(&port, error);
    if (reading->port == NULL)
        return false;
    reading->inspector = log_inspector_create(reading->port, &handler, error);
    return reading->inspector != NULL;
}

struct topic_reading *topic_reading_open(const struct topic_reading_options *options,
                                         struct error *error)
{
    struct topic_reading *reading = calloc(1, sizeof(*reading));
    struct log_admin *admin = log_admin_open(options->brokers, ADMIN_TIMEOUT_MS, error);

    if (reading != NULL)
        reading->options = *options;
    else
        error_set(error, FAULT_OUT_OF_MEMORY, "reading %s", options->topic);
    bool opened = admin != NULL && reading != NULL && open_log(reading, error) &&
                  attach_all(reading, admin, error);
    log_admin_close(admin);
    return opened ? reading : topic_reading_close(reading);
}

struct topic_reading *topic_reading_close(struct topic_reading *reading)
{
    if (reading == NULL)
        return NULL;
    log_inspector_destroy(reading->inspector);
    kafka_port_destroy(reading->port);
    free(reading->partitions);
    free(reading);
    return NULL;
}

bool topic_reading_run(struct topic_reading *reading, struct error *error)
{
    int64_t heard_us = clock_boot_us();

    while (!reading->enough && !reading->failed && !log_inspector_at_end(reading->inspector)) {
        if (log_inspector_poll(reading->inspector, POLL_MS) > 0) {
            heard_us = clock_boot_us();
            continue;
        }
        (void)fflush(stdout);
        if (!reading->options.follow && clock_boot_us() - heard_us > SILENCE_US_MAX)
            return error_set(error, FAULT_LOG_UNAVAILABLE, "%s: nothing came for half a minute",
                             reading->options.topic);
    }
    if (reading->failed)
        *error = reading->error;
    return !reading->failed;
}

int32_t topic_reading_partition_count(const struct topic_reading *reading)
{
    return reading->partition_count;
}

int64_t topic_reading_missing(const struct topic_reading *reading)
{
    return log_inspector_missing(reading->inspector);
}
