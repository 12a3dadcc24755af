/* A lane: one context in one partition. Its log, its part of the index, and the calls on their way.
 * All on the shard's thread. */
#pragma once

#include "command-svc/call.h"
#include "command-svc/ownership.h"
#include "command-svc/readiness.h"
#include "command-svc/store.h"
#include "lib/log/writer.h"
#include <stdatomic.h>

struct gate;
struct reactor;

struct lane {
    struct store store;
    struct log_partition *log;
    struct tenure tenure;
    struct published published;
    struct index *index;          /* of the partition, for all its lanes */
    int32_t number;               /* of the partition */
    struct arena *arena;          /* the shard's, for one call or commit at a time */
    struct log_position position; /* behind what is known: acknowledged or read */
    struct buffer *payloads;      /* the shard's, for encoding events */
    struct call_queue pending;    /* not looked at yet: the log is not being served */
    struct call_queue waiting;    /* decided; for the acknowledgement of call->token */
    struct call_queue unsettled;  /* appended, outcome unknown */
    uint64_t appended;            /* commits handed to the log since start */
    uint64_t acknowledged;        /* of those, known durable or settled */
    struct {
        struct uuid next; /* where the table is visited next */
        int64_t due_boot_us;
    } sweep;                    /* of commands to be forgotten */
    const struct gate *gate;    /* the shard's */
    int64_t moved_boot_us;      /* when the log last acknowledged, or had nothing to */
    struct reactor *reactor;    /* NULL: its context has no reactions */
    int64_t deadlines_boot_us;  /* none fires before: the last one failed */
    bool hurries;               /* what is not flushed yet is waited for */
    int64_t slip;               /* void records among those of the present term */
    uint64_t barrier_token;     /* of the last barrier appended */
    int64_t barrier_boot_us;    /* when it was */
    int64_t barrier_due_us;     /* no other one before: the log did not take it */
    bool clock_said;            /* that clocks disagree was logged, and not yet that they agree */
    bool stop_said;             /* that its log cannot be served any more was logged */
    _Atomic size_t *open_calls; /* the shard's count of calls not answered yet */
};

/* Takes a call over: works on it if the log is served, keeps it otherwise. Answers at once that
 * there is no room, or that nothing moves (gate.h). */
void lane_take(struct lane *lane, struct call *call);
/* Where the n-th record from now will be, counted from 1, if nobody else writes in between. */
int64_t lane_foresee(const struct lane *lane, size_t n);
/* Has the call answered once what it rests on is certain. Its outcome is set. With a commit, its
 * own or its twin's: when everything appended to this lane so far is acknowledged. Without one:
 * when the next record of this lane is, which proves that the lane was still ours as it was
 * decided. */
void lane_answer_when_certain(struct lane *lane, struct call *call);
/* Has it answered now. */
void lane_answer(struct lane *lane, struct call *call);
/* Now and then: works on calls kept while the log was not served, and ends those whose clients have
 * waited long enough, with the truth about each. */
void lane_look_after(struct lane *lane, int64_t boot_us);
/* The index has been flushed, or that failed. */
void lane_flushed(struct lane *lane, bool flushed);
/* While served: the place of the next record appended (struct log_event). */
int64_t lane_next_place(const struct lane *lane);
/* Ends all calls. */
void lane_abandon(struct lane *lane);

/* For log_writer_create; `self` is not used, each partition's user is its lane. */
extern const struct log_owner lane_owner;
