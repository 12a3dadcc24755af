/* What a worker says about itself, for /ready. Published by its thread, read by HTTP threads. */
#pragma once

#include "lib/core/buffer.h"
#include "projector/source.h"
#include <pthread.h>

struct health_report {
    bool database_connected;
    bool log_connected;
    size_t partitions;         /* that this process works */
    bool lag_known;            /* the end of every one of them has been heard of */
    int64_t lag_events;        /* records, over all of them, that are not stored yet */
    int64_t lag_ms;            /* how long the partition furthest behind has been behind */
    int64_t heartbeat_boot_us; /* the worker's last turn */
    int64_t progress_boot_us;  /* the last transaction that moved a position */
    size_t parked_keys;
    size_t halted_count;
    int32_t halted_partition; /* of the first halted source */
    const char *halted_context;
    struct halt halt;
    struct error waiting; /* why it cannot work at present; FAULT_NONE: it can */
};

struct health {
    pthread_mutex_t mutex;
    struct health_report report;
};

void health_init(struct health *health);
void health_done(struct health *health);
void health_publish(struct health *health, const struct health_report *report);
void health_read(struct health *health, struct health_report *ret_report);

/* Ready: alive, connected both ways, nothing halted, and near the end or on its way there. Who has
 * no partitions, because others work them, is ready to, and has no need of the log. */
bool health_is_ready(const struct health_report *report, int64_t now_boot_us,
                     int64_t lag_events_max);
/* A JSON object. */
void health_write(const struct health_report *report, int64_t now_boot_us, bool ready,
                  struct buffer *out);
