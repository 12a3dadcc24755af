/* A broker in memory behind lib/log/port.h, for deterministic tests: its clock, its chance, and the
 * fate of each record under way are the test's. Several ports share one broker, as processes do.
 * One thread. */
#pragma once

#include "lib/log/port.h"

struct sim_broker;
struct sim_record;

struct sim_broker *sim_broker_create(uint64_t seed);
/* Asserts that all ports are gone. */
void sim_broker_destroy(struct sim_broker *broker);

void sim_broker_pass(struct sim_broker *broker, int64_t duration_us);
/* The broker's own wall clock, that append times are taken from. */
int64_t sim_broker_now_us(const struct sim_broker *broker);
/* That clock jumps: so far from the real one. */
void sim_broker_shift_clock(struct sim_broker *broker, int64_t shift_us);
int64_t sim_broker_boot_us(const struct sim_broker *broker); /* real time, as the test has it */

/* What others do to a partition. Offsets are those given; the log grows when first named. */
int64_t sim_broker_append(struct sim_broker *broker, const char *topic, int32_t partition,
                          const struct log_record *record);
/* Somebody copies an old record, headers and all. */
int64_t sim_broker_copy(struct sim_broker *broker, const char *topic, int32_t partition,
                        int64_t offset);
/* A transaction's control record: takes an offset, is never delivered. */
int64_t sim_broker_skip_offset(struct sim_broker *broker, const char *topic, int32_t partition);
/* As it lies there, for an independent reader (sim_records.h). */
const struct sim_record *sim_broker_record(struct sim_broker *broker, const char *topic,
                                           int32_t partition, int64_t offset);
int64_t sim_broker_end(struct sim_broker *broker, const char *topic, int32_t partition);
void sim_broker_truncate(struct sim_broker *broker, const char *topic, int32_t partition,
                         int64_t end);
/* A leader that is behind: readers see nothing from `end` on, and nothing is said to be out of
 * range. LOG_OFFSET_NONE: it has caught up. */
void sim_broker_hide(struct sim_broker *broker, const char *topic, int32_t partition, int64_t end);
void sim_broker_retain(struct sim_broker *broker, const char *topic, int32_t partition,
                       int64_t first);
/* Deleted and created again: empty. */
void sim_broker_recreate(struct sim_broker *broker, const char *topic, int32_t partition);

struct log_port *sim_port_create(struct sim_broker *broker);
/* Asserts that every message was released. What is under way is lost. */
void sim_port_destroy(struct log_port *port);

enum sim_fate {
    SIM_DELIVERED = 1, /* appended and reported */
    SIM_LOST,          /* not appended, reported as unknown */
    SIM_UNREPORTED,    /* appended, reported as unknown */
    SIM_DUPLICATED,    /* appended twice, the first offset reported */
    SIM_SILENT,        /* appended, never reported */
    SIM_VANISHED,      /* not appended, never reported */
};

#define SIM_ANY_SOURCE (-1)

/* While held, records produced stay under way until delivered one by one, oldest first. */
void sim_port_hold(struct log_port *port, bool held);
size_t sim_port_under_way(const struct log_port *port, int32_t source);
void sim_port_deliver(struct log_port *port, int32_t source, enum sim_fate fate);
void sim_port_deliver_all(struct log_port *port, enum sim_fate fate);
/* While held, reports wait; sim_port_report lets the n-th oldest one through (0: the oldest). */
void sim_port_hold_reports(struct log_port *port, bool held);
void sim_port_report(struct log_port *port, size_t number);
size_t sim_port_waiting(const struct log_port *port);
/* Messages, too: reads see nothing while held. */
void sim_port_hold_messages(struct log_port *port, bool held);
/* While it lags, a source's reads and its end stop at what was seen when it was opened, and what
 * sim_port_see adds; never more than there is unseen. */
void sim_port_lag(struct log_port *port, bool lags);
int64_t sim_port_unseen(const struct log_port *port, int32_t source);
void sim_port_see(struct log_port *port, int32_t source, int64_t count);
int32_t sim_port_sources(const struct log_port *port); /* how many were opened */
/* Its monotonic clock is so far from the broker's. */
void sim_port_shift_clock(struct log_port *port, int64_t shift_us);
/* The host's wall clock against the broker's: 0 at first. */
void sim_port_set_wall_ahead(struct log_port *port, int64_t ahead_us);
/* The producer has a fatal error: nothing under way is reported. What was under way is kept and can
 * be delivered late by sim_port_deliver_zombie (false: none is left). */
void sim_port_lose_producer(struct log_port *port);
bool sim_port_deliver_zombie(struct log_port *port);
/* Refuses a produce that would exceed it. */
void sim_port_limit(struct log_port *port, size_t records_max);
