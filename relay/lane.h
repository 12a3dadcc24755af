/* One partition on its way from a context's topic to its public one. The relay's thread, but for
 * the metrics. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/metrics.h"
#include "lib/log/publisher.h"
#include "lib/log/reader.h"
#include "relay/config.h"
#include "schemas/contexts.h"

#define LANE_NAME_SIZE 120

enum lane_state {
    LANE_ELSEWHERE, /* another relay's, or nobody's yet */
    LANE_WAITING,   /* this one's; tried again when due */
    LANE_PUBLISHING,
};

struct lane {
    const struct context *context;
    int32_t partition;
    enum lane_state state;
    char name[LANE_NAME_SIZE]; /* transactional id */
    struct log_publisher *publisher;
    int32_t source;   /* of the reader; negative: never attached */
    int64_t appended; /* events, not committed yet */
    bool failed;      /* its transaction is lost */
    struct error error;
    enum fault said; /* in the log, so that it is said once */
    int64_t due_boot_us;
    int64_t opened_boot_us;
    uint32_t failures; /* since it last published something */
    int64_t shown;     /* to Kafka's tools; NONE: nothing yet */

    struct metric lag, published;
    _Atomic int shown_state; /* enum lane_state, for other threads */
};

struct lane_ground {
    const struct relay_config *config;
    struct log_port *port; /* lends its brokers to publishers */
    struct log_reader *reader;
};

MUST_CHECK bool lane_init(struct lane *lane, const struct context *context, int32_t partition,
                          struct arena *arena);
/* Shuts out who published there, looks how far that came, reads on from there. Blocks. */
void lane_open(struct lane *lane, const struct lane_ground *ground, int64_t boot_us);
/* A commit that was read. */
void lane_take(struct lane *lane, const struct log_event *events, size_t count,
               const struct log_position *after);
/* Its source has been compared with where it is to go on, and fits. */
void lane_fits(struct lane *lane);
/* This partition's turn is over: what was appended is published. Blocks. */
void lane_commit(struct lane *lane, const struct lane_ground *ground, int64_t boot_us);
/* Nothing more of it is published here. */
void lane_close(struct lane *lane, const struct lane_ground *ground, enum lane_state next);
/* Records between the source's end and what is published; NONE: not known. */
int64_t lane_lag(const struct lane *lane, const struct lane_ground *ground);
