/* Does this program's view match the tables it writes? Columns, events, contexts and revision are
 * kept beside them; code that differs must not touch the rows. */
#pragma once

#include "lib/db/connection.h"
#include "projector/view.h"

extern const struct db_statement fingerprint_read;

/* CONFIG_INVALID: it does not, with what to do. */
MUST_CHECK bool fingerprint_check(struct db_connection *connection, const struct view *view,
                                  struct arena *arena, struct error *error);
/* CONFIG_INVALID: readers get a revision that this program does not keep. */
MUST_CHECK bool fingerprint_check_live(struct db_connection *connection, const struct view *view,
                                       struct arena *arena, struct error *error);

/* What the migration must have written, one text each; borrowed from the arena. */
struct fingerprint {
    struct text view;
    int64_t revision;
    struct text columns;
    struct text events;
    struct text contexts;
    int64_t live_revision; /* the one readers get, as the database says; 0: none */
};
MUST_CHECK bool fingerprint_of(const struct view *view, struct arena *arena,
                               struct fingerprint *ret_fingerprint);
