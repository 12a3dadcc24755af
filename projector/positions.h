/* The position table of a view's revision: where the rows stand, per partition and context. */
#pragma once

#include "lib/db/connection.h"
#include "projector/source.h"

extern const struct db_statement *const position_statements[]; /* NULL-terminated */

/* Reads the stored positions of all sources, creating those that are missing ("nothing read yet").
 * CONFIG_INVALID: the table knows partitions that the configuration does not. */
MUST_CHECK bool positions_load(struct db_connection *connection, struct sources *sources,
                               struct arena *arena, struct error *error);
/* Has anybody else written since? Compares generation and position of every source. */
MUST_CHECK bool positions_compare(struct db_connection *connection, const struct sources *sources,
                                  struct arena *arena, bool *ret_same, struct error *error);

/* Queues the fence: compares stored positions and generations of every partition number that moves,
 * all its contexts, and sets the targets. The transaction is this projector's only if as many rows
 * are affected as *ret_expected says. 0: nothing moves, nothing was queued. */
MUST_CHECK bool positions_send_fence(struct db_connection *connection,
                                     const struct sources *sources, struct arena *arena,
                                     size_t *ret_expected, struct error *error);
