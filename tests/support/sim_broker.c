/* The broker: its logs and its clock, and what others do to them. */
#include "tests/support/sim_broker.h"

#include "tests/support/sim_port.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_US INT64_C(1767225600000000) /* 2026-01-01, so that append times look like some */

/* SplitMix64 (https://prng.di.unimi.it/splitmix64.c). */
uint64_t sim_broker_draw(struct sim_broker *broker)
{
    uint64_t bits = (broker->chance += UINT64_C(0x9e3779b97f4a7c15));

    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

struct sim_broker *sim_broker_create(uint64_t seed)
{
    struct sim_broker *broker = calloc(1, sizeof(*broker));

    assert(broker != NULL);
    broker->chance = seed;
    broker->boot_us = 1000000;
    return broker;
}

void sim_broker_destroy(struct sim_broker *broker)
{
    assert(broker->port_count == 0);
    for (int i = 0; i < broker->log_count; i++)
        sim_log_done(&broker->logs[i]);
    free(broker);
}

void sim_broker_pass(struct sim_broker *broker, int64_t duration_us)
{
    broker->boot_us += duration_us;
}

int64_t sim_broker_now_us(const struct sim_broker *broker)
{
    return EPOCH_US + broker->boot_us + broker->wall_shift_us;
}

int64_t sim_broker_boot_us(const struct sim_broker *broker)
{
    return broker->boot_us;
}

void sim_broker_shift_clock(struct sim_broker *broker, int64_t shift_us)
{
    broker->wall_shift_us = shift_us;
}

int64_t sim_broker_put(struct sim_broker *broker, struct sim_log *log, struct sim_record *record)
{
    record->appended_us = broker->boot_us;
    return sim_log_append(log, record, sim_broker_now_us(broker));
}

struct sim_log *sim_broker_find(struct sim_broker *broker, const char *topic, int32_t partition)
{
    for (int i = 0; i < broker->log_count; i++)
        if (broker->logs[i].partition == partition && strcmp(broker->logs[i].topic, topic) == 0)
            return &broker->logs[i];
    assert(broker->log_count < SIM_LOGS_MAX);
    struct sim_log *added = &broker->logs[broker->log_count++];
    sim_log_init(added, topic, partition);
    return added;
}

int64_t sim_broker_append(struct sim_broker *broker, const char *topic, int32_t partition,
                          const struct log_record *record)
{
    return sim_broker_put(broker, sim_broker_find(broker, topic, partition),
                          sim_record_create(record));
}

int64_t sim_broker_copy(struct sim_broker *broker, const char *topic, int32_t partition,
                        int64_t offset)
{
    struct sim_log *log = sim_broker_find(broker, topic, partition);

    assert(offset >= log->first && offset < log->end);
    return sim_broker_put(broker, log, sim_record_copy(log->records[offset]));
}

int64_t sim_broker_skip_offset(struct sim_broker *broker, const char *topic, int32_t partition)
{
    struct sim_record *record = sim_record_create(&(struct log_record){.header_count = 0});

    record->control = true;
    return sim_broker_put(broker, sim_broker_find(broker, topic, partition), record);
}

const struct sim_record *sim_broker_record(struct sim_broker *broker, const char *topic,
                                           int32_t partition, int64_t offset)
{
    const struct sim_log *log = sim_broker_find(broker, topic, partition);

    assert(offset >= 0 && offset < log->end);
    return log->records[offset];
}

int64_t sim_broker_end(struct sim_broker *broker, const char *topic, int32_t partition)
{
    return sim_broker_find(broker, topic, partition)->end;
}

void sim_broker_truncate(struct sim_broker *broker, const char *topic, int32_t partition,
                         int64_t end)
{
    sim_log_truncate(sim_broker_find(broker, topic, partition), end);
}

void sim_broker_hide(struct sim_broker *broker, const char *topic, int32_t partition, int64_t end)
{
    sim_broker_find(broker, topic, partition)->hidden = end;
}

void sim_broker_retain(struct sim_broker *broker, const char *topic, int32_t partition,
                       int64_t first)
{
    sim_broker_find(broker, topic, partition)->first = first;
}

void sim_broker_recreate(struct sim_broker *broker, const char *topic, int32_t partition)
{
    struct sim_log *log = sim_broker_find(broker, topic, partition);

    sim_log_truncate(log, 0);
    log->first = 0;
}
