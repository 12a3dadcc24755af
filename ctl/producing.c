/* The log's own producer: idempotent, acks of all replicas. */
#include "ctl/producing.h"

#include "ctl/topic_reading.h"
#include "lib/core/clock.h"
#include "lib/log/kafka_port.h"
#include <inttypes.h>
#include <stdlib.h>

#define QUEUED_BYTES_MAX (16 * 1024 * 1024)
#define REPORTS_A_TURN   256
#define WAIT_MS          50
#define SILENCE_US_MAX   INT64_C(30000000)

struct producing {
    struct producing_options options;
    struct log_port *port;
    int32_t partition_count;
    int32_t *sources; /* by partition */
    uint64_t appended;
    uint64_t reported;
    int64_t sent_us[PRODUCING_UNDER_WAY_MAX]; /* by token */
    int64_t heard_us;                         /* when something went on last */
};

static bool open_port(struct producing *producing, struct error *error)
{
    const struct kafka_port_options port = {
        .brokers = producing->options.brokers,
        .client_id = "sijangctl",
        .producer = true,
        .queued_bytes_max = QUEUED_BYTES_MAX,
        .fetched_bytes_max = 1024 * 1024,
    };
    int32_t count = producing->partition_count;

    producing->port = kafka_port_create(&port, error);
    producing->sources = calloc((size_t)count, sizeof(*producing->sources));
    if (producing->port == NULL)
        return false;
    if (producing->sources == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "partitions");
    for (int32_t i = 0; i < count; i++)
        if (!producing->port->open(producing->port, producing->options.topic, i,
                                   &producing->sources[i], error))
            return false;
    return true;
}

struct producing *producing_open(const struct producing_options *options, struct error *error)
{
    struct producing *producing = calloc(1, sizeof(*producing));
    struct log_admin *admin = log_admin_open(options->brokers, ADMIN_TIMEOUT_MS, error);

    if (producing == NULL)
        error_set(error, FAULT_OUT_OF_MEMORY, "writing to %s", options->topic);
    else
        producing->options = *options;
    bool opened =
        admin != NULL && producing != NULL &&
        log_admin_partition_count(admin, options->topic, &producing->partition_count, error) &&
        open_port(producing, error);
    log_admin_close(admin);
    return opened ? producing : producing_close(producing);
}

struct producing *producing_close(struct producing *producing)
{
    if (producing == NULL)
        return NULL;
    kafka_port_destroy(producing->port);
    free(producing->sources);
    free(producing);
    return NULL;
}

int32_t producing_partition_count(const struct producing *producing)
{
    return producing->partition_count;
}

static bool take_reports(struct producing *producing, struct error *error)
{
    struct log_report reports[REPORTS_A_TURN];
    size_t count = producing->port->reports(producing->port, reports, REPORTS_A_TURN);
    int64_t now_us = clock_boot_us();

    for (size_t i = 0; i < count; i++) {
        if (reports[i].kind != LOG_REPORT_APPENDED)
            return error_set(error, FAULT_OUTCOME_UNKNOWN, "the broker did not confirm a record");
        uint64_t token = reports[i].token;
        if (token < producing->options.latency_count)
            producing->options.latencies_us[token] =
                now_us - producing->sent_us[token % PRODUCING_UNDER_WAY_MAX];
        producing->reported++;
    }
    if (count > 0)
        producing->heard_us = now_us;
    return true;
}

static bool wait_for_more(struct producing *producing, struct error *error)
{
    if (clock_boot_us() - producing->heard_us > SILENCE_US_MAX)
        return error_set(error, FAULT_LOG_UNAVAILABLE, "%s: no answer for half a minute",
                         producing->options.topic);
    producing->port->wait(producing->port, WAIT_MS);
    return true;
}

bool producing_append(struct producing *producing, int32_t partition,
                      const struct log_record *record, struct error *error)
{
    struct log_port *port = producing->port;
    struct error refused;

    if (producing->appended == producing->reported)
        producing->heard_us = clock_boot_us();
    for (;;) {
        if (!take_reports(producing, error))
            return false;
        producing->sent_us[producing->appended % PRODUCING_UNDER_WAY_MAX] = clock_boot_us();
        if (producing->appended - producing->reported < PRODUCING_UNDER_WAY_MAX) {
            if (port->produce(port, producing->sources[partition], record, 1, producing->appended,
                              &refused)) {
                producing->appended++;
                return true;
            }
            if (refused.fault != FAULT_NOT_READY && refused.fault != FAULT_OVERLOADED) {
                *error = refused;
                return false;
            }
        }
        if (!wait_for_more(producing, error))
            return false;
    }
}

bool producing_finish(struct producing *producing, struct error *error)
{
    while (producing->reported < producing->appended) {
        if (!take_reports(producing, error))
            return false;
        if (producing->reported < producing->appended && !wait_for_more(producing, error))
            return false;
    }
    return true;
}
