/* Replaying a view's history into empty tables: one partition number at a time, folded in memory
 * and copied in one transaction with its position. What does not fit into the memory allowed is
 * replayed in slices of its rows: the log is read again for each. It ends before the first event
 * that has to be parked: from there on it is for whoever follows the log. */
#pragma once

#include "lib/log/reader.h"
#include "projector/projection.h"

struct replay;

struct replay_options {
    const struct view *view; /* .schema and .revision are those of the new tables */
    const struct projector_config *config;
    /* Asked between batches: how far it is, in records read since last asked. False: give up. */
    bool (*goes_on)(void *self, int64_t records);
    /* Told between pieces of a copy, of so many rows: may wait. */
    void (*copies_on)(void *self, size_t rows);
    void *self;
};

MUST_CHECK struct replay *replay_open(const struct replay_options *options, struct error *error);
struct replay *replay_close(struct replay *replay); /* NULL accepted */

enum replay_outcome {
    REPLAY_DONE = 1, /* rows and position are stored; nothing to do if they were before */
    REPLAY_GIVEN_UP,
    REPLAY_FAILED,
};
/* Of the last partition: how often it was read, and how long that and copying its rows took. */
uint32_t replay_slices(const struct replay *replay);
int64_t replay_read_us(const struct replay *replay);
int64_t replay_copy_us(const struct replay *replay);
/* *ret_rows: how many rows were copied. DATA_CORRUPT: an event that cannot be applied. */
MUST_CHECK enum replay_outcome replay_partition(struct replay *replay, int32_t partition,
                                                int64_t *ret_rows, struct error *error);
