/* One partition of a writer: its life cycle and what it has under way. Private to the writer. */
#pragma once

#include "lib/log/cursor.h"
#include "lib/log/flight.h"
#include "lib/log/skew.h"
#include "lib/log/writer.h"

struct log_partition {
    struct log_writer *writer;
    void *user;
    enum log_state state;
    bool wanted;    /* log_partition_claim, and no release since */
    bool serves;    /* the owner was told `serving` and not yet `deposed` */
    bool releasing; /* serves still, until all reports are in */
    bool moved;     /* the position, since the owner last heard of it */
    struct cursor cursor;
    struct flight flight; /* records under way, from the oldest not acknowledged */
    int64_t sent_seq;     /* of the last record appended in this term */
    int64_t claim_offset; /* CLAIMING: where the own claim is; NONE: not reported yet */
    uint64_t claim_token;
    int64_t claim_produced_us; /* by the host's clock */
    struct skew skew;
    int64_t silent_since_us; /* boot time since when reports are waited for; 0: anew */
    int64_t undecided_term;  /* of commits given up on; NONE: all are decided */
    int64_t resume_due_us;   /* boot time to read on after a passing fault of the owner; 0: none */
    int64_t claim_due_us;    /* boot time before which no claim is made */
    uint32_t failures;       /* in a row */
    int64_t clock_max_us;    /* newest append time */
    int64_t clock_boot_us;   /* boot time when it was heard */
    int64_t clock_floor_us;  /* partition time has been that late already */
    struct error error;      /* why STOPPED */
};

struct log_writer {
    struct log_port *port;
    struct log_owner owner;
    struct log_writer_options options;
    struct log_partition **partitions; /* by the port's source number */
    int32_t partition_count;
    struct log_reader_statistics statistics;
    struct envelope envelopes[LOG_COMMIT_RECORDS_MAX];
    struct log_record records[LOG_COMMIT_RECORDS_MAX];
    struct buffer platform_bytes;
    struct arena platform; /* the record being handed out */
    int64_t now_us;        /* boot time of this turn */
    bool producer_lost;    /* and not made anew yet */
};

/* The life cycle, driven by log_writer_turn. */
void partition_start(struct log_partition *partition, const struct log_position *from);
void partition_take_report(struct log_partition *partition, const struct log_report *report);
void partition_take_message(struct log_partition *partition, struct log_message *message);
void partition_producer_lost(struct log_partition *partition);
/* Through the port, so that a simulation repeats itself. */
struct uuid partition_draw_id(struct log_partition *partition);
/* Claims and releases that are due; tells the owner of a position that moved. */
void partition_tick(struct log_partition *partition);
/* Boot time of the next thing partition_tick has to do by itself; INT64_MAX: none. */
int64_t partition_due_us(const struct log_partition *partition);
