/* The parts of the simulated broker, shared by its files alone: a port keeps what it produced in
 * one queue; a fate moves the oldest record of it into the log, or not, and a report into the
 * port's report queue, or not. */
#pragma once

#include "tests/support/sim_broker.h"
#include "tests/support/sim_records.h"

#define SIM_LOGS_MAX    128
#define SIM_SOURCES_MAX 128

struct sim_broker {
    struct sim_log logs[SIM_LOGS_MAX];
    int log_count;
    int port_count;
    int64_t boot_us;
    int64_t wall_shift_us;
    uint64_t chance;
};

struct sim_source {
    struct sim_log *log;
    uint64_t fetch; /* 0: none */
    int64_t at;
    int64_t end_told;
    int64_t seen; /* while lagging: how far the port sees */
};

struct sim_flight {
    int32_t source;
    uint64_t token;
    struct sim_record *record;
};

struct sim_queue {
    struct sim_flight *entries;
    size_t count;
    size_t capacity;
};

struct sim_reports {
    struct log_report *entries;
    size_t count;
    size_t capacity;
};

struct sim_port {
    struct log_port port;
    struct sim_broker *broker;
    struct sim_source sources[SIM_SOURCES_MAX];
    int32_t source_count;
    int32_t next_source; /* to be polled first */
    uint64_t fetches;
    struct sim_queue under_way;
    struct sim_queue zombies;
    struct sim_reports reports; /* that may be taken */
    struct sim_reports waiting; /* held back */
    bool held;
    bool reports_held;
    bool messages_held;
    bool lags;
    bool producer_lost;
    int64_t clock_shift_us;
    int64_t wall_ahead_us;
    size_t records_max;
    size_t messages_out;
};

uint64_t sim_broker_draw(struct sim_broker *broker);
struct sim_log *sim_broker_find(struct sim_broker *broker, const char *topic, int32_t partition);
/* Takes the record; returns its offset. */
int64_t sim_broker_put(struct sim_broker *broker, struct sim_log *log, struct sim_record *record);

struct sim_port *sim_port_of(const struct log_port *port);
/* How far reads of a source go. */
int64_t sim_port_visible(const struct sim_port *sim, const struct sim_source *source);
/* Takes the record. */
void sim_port_meet_fate(struct sim_port *sim, struct sim_flight flight, enum sim_fate fate);

void sim_queue_push(struct sim_queue *queue, struct sim_flight flight);
struct sim_flight sim_queue_take(struct sim_queue *queue, size_t number);
struct log_report sim_reports_take(struct sim_reports *reports, size_t number);
void sim_reports_push(struct sim_reports *reports, struct log_report report);
