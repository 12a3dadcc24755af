/* The table projector.rebuild, as the thread that works it off sees it. */
#pragma once

#include "lib/db/connection.h"
#include "projector/config.h"
#include "projector/view.h"

/* Not even live views slow it down. */
#define THROTTLE_OFF (-1)

struct rebuild_row {
    struct text view;
    int64_t revision;
    int64_t replaces;  /* the live one; the same: a copy is made */
    struct text state; /* replaying, indexing, following */
    bool paused;
    bool sliced; /* a partition was left half-way */
    int64_t partitions_done;
    int64_t throttle; /* records a second; 0: none; THROTTLE_OFF */
};

/* What was done since it was last told. */
struct rebuild_progress {
    int64_t records;
    int64_t rows;
    int64_t replay_us;
    int64_t partitions_done; /* in all; 0: as before */
    int64_t throttle;        /* told back */
    int64_t live_behind;     /* told back: records, whoever keeps the live views */
    bool wanted;             /* told back: neither paused nor dropped */
};

/* NULL: not now; error->fault is FAULT_NONE when another projector has the lock. The connection
 * holds it. */
MUST_CHECK struct db_connection *rebuild_connect(const struct projector_config *config,
                                                 struct error *error);
/* Rows of struct rebuild_row. */
MUST_CHECK bool rebuild_read(struct db_connection *connection, struct arena *arena,
                             struct db_rows *ret_rows, struct error *error);
/* `view` is the live one, in all that follows. Sets what is told back, zeroes the rest. */
MUST_CHECK bool rebuild_tell(struct db_connection *connection, const struct view *view,
                             struct rebuild_progress *progress, struct arena *arena,
                             struct error *error);
MUST_CHECK bool rebuild_set_state(struct db_connection *connection, const struct view *view,
                                  const char *state, struct error *error);
MUST_CHECK bool rebuild_note_trouble(struct db_connection *connection, const struct view *view,
                                     const struct error *trouble, struct error *error);
/* The new tables are empty again. */
MUST_CHECK bool rebuild_start_over(struct db_connection *connection, const struct view *view,
                                   struct error *error);
/* And the state is `following`. */
MUST_CHECK bool rebuild_index(struct db_connection *connection, const struct view *view,
                              struct error *error);
