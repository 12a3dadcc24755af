/* How far a view is: in every partition of every context it reads. */
#pragma once

#include "projector/batch.h"

#define HALT_NAME_SIZE 96

/* Why a source is not read on: an event that can never be applied, or a log that is not the one
 * known. Nothing behind it is written; the other sources go on. */
struct halt {
    bool halted;
    bool told;      /* logged */
    int64_t offset; /* of the event, or of the first record that cannot be read */
    char event[HALT_NAME_SIZE];
    char key[HALT_NAME_SIZE];
    struct error error;
};

struct source {
    const struct context *context;
    int32_t partition;
    bool held;                  /* this process works it; the rest is out of date if not */
    size_t feed;                /* in feeds.items */
    int64_t generation;         /* as the database has it; retries, discards and swaps raise it */
    struct log_position stored; /* as the database has it */
    struct log_position target; /* what the transaction under way will store */
    int64_t parking;            /* events it will park */
    int64_t at_end_boot_us; /* when it was last known to have nothing behind `stored`; 0: never */
    struct halt halt;
};

/* Ordered by partition number, then context: the sources of one partition number stand together. */
struct sources {
    struct source *items;
    struct source **by_feed; /* NULL: the view does not read it, or it is not held */
    size_t count;
    size_t context_count;
    int32_t partition_count;
};

MUST_CHECK bool sources_create(const struct view *view, int32_t partition_count,
                               struct sources *ret_sources, struct error *error);
void sources_destroy(struct sources *sources);

/* Works these partitions only, one entry for each. False: it does already. */
bool sources_hold(struct sources *sources, const bool *held);
size_t sources_held(const struct sources *sources); /* partitions */

/* Stops reading on at that offset. `event` and `key` may be absent. The first halt stays. */
void source_halt(struct source *source, int64_t offset, struct text event, struct text key,
                 const struct error *error);
/* What ends there is new to the view, and not behind a halt. */
bool source_takes(const struct source *source, const struct log_position *after);
void sources_forget_halts(struct sources *sources);

/* The transaction under way stores nothing yet. */
void sources_retarget(struct sources *sources);
/* It stores everything that was read into the batch, for sources that are not halted. */
void sources_target_all(struct sources *sources, const struct batch *batch);
bool sources_move(const struct sources *sources);
/* The transaction is done. */
void sources_stored(struct sources *sources);
