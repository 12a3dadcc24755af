/* What a view reads: every partition of every context it names, and how far it is in each. */
#pragma once

#include "lib/core/error.h"
#include "lib/log/position.h"
#include "projector/view.h"
#include "schemas/contexts.h"

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
    int64_t generation;         /* as the database has it; retries, discards and swaps raise it */
    struct log_position stored; /* as the database has it */
    struct log_position target; /* what the transaction under way will store */
    struct log_position read;   /* what the reader has delivered */
    int64_t end;                /* of the log, as last heard; LOG_OFFSET_NONE: unknown */
    int64_t at_end_boot_us; /* when it was last known to have nothing behind `stored`; 0: never */
    struct halt halt;
};

/* Ordered by partition number, then context: the sources of one partition number stand together.
 * Their order is also that of the reader's source numbers. */
struct sources {
    struct source *items;
    size_t count;
    size_t context_count;
    int32_t partition_count;
};

MUST_CHECK bool sources_create(const struct view *view, int32_t partition_count,
                               struct sources *ret_sources, struct error *error);
void sources_destroy(struct sources *sources);

/* Stops reading on at that offset. `event` and `key` may be absent. The first halt stays. */
void source_halt(struct source *source, int64_t offset, struct text event, struct text key,
                 const struct error *error);
/* A commit that ends there lies behind the halt. */
bool source_is_beyond_halt(const struct source *source, const struct log_position *after);

/* The transaction under way stores nothing yet. */
void sources_retarget(struct sources *sources);
/* It stores everything that was read, for sources that are not halted. */
void sources_target_all_read(struct sources *sources);
bool sources_have_moved(const struct sources *sources);
/* The transaction is done. What a halted source read beyond is forgotten. */
void sources_stored(struct sources *sources);
