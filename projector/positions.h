/* The position table: where the rows of each view's revision stand, per partition and context. */
#pragma once

#include "projector/projection.h"

extern const struct db_statement *const position_statements[]; /* NULL-terminated */

/* Reads the stored positions of all sources, creating those that are missing ("nothing read yet").
 * CONFIG_INVALID: the table knows partitions that the configuration does not. */
MUST_CHECK bool positions_load(struct db_connection *connection, const struct projection_set *set,
                               struct arena *arena, struct error *error);
/* Has anybody else written since to what is held? Sets each projection's place. */
MUST_CHECK bool positions_compare(struct db_connection *connection,
                                  const struct projection_set *set, struct arena *arena,
                                  struct error *error);

/* A transaction's first statement. */
struct fence {
    const struct projection_set *set;
    const struct feeds *feeds;
    bool all; /* also those held that do not move: tells readers that the projector is alive */
};

/* The fence as a statement and its values, for who does not queue it; all from the arena.
 * *ret_count: positions it moves. */
extern const struct db_statement positions_fence;
#define POSITIONS_FENCE_VALUES 16
MUST_CHECK bool positions_make_fence(const struct fence *fence, struct arena *arena,
                                     struct db_value *ret_values, size_t *ret_count,
                                     struct error *error);

/* Queues the fence: compares stored positions and generations of every partition number that moves,
 * all its contexts, and sets the targets. The transaction fails (DATABASE_FAILED) unless all are as
 * believed. *ret_sent: there was something to queue. */
MUST_CHECK bool positions_send_fence(struct db_connection *connection, const struct fence *fence,
                                     struct arena *arena, bool *ret_sent, struct error *error);
