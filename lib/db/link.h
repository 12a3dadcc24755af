/* One libpq connection on its way up: connecting, settings, statements prepared and compared. It
 * never blocks (but for name look-ups), so that the blocking connection and the pipeline's thread
 * share it. */
#pragma once

#include "lib/db/wire.h"

enum db_link_state { DB_LINK_CLOSED, DB_LINK_CONNECTING, DB_LINK_PREPARING, DB_LINK_READY };

struct db_link {
    PGconn *pg;
    const struct db_options *options;
    enum db_link_state state;
    short wanted;    /* poll events to wait for before db_link_advance */
    size_t prepared; /* results of setting up seen so far */
    int64_t deadline_boot_us;
    struct error trouble; /* the first one of setting up */
};

/* Is the connection string well formed? CONFIG_INVALID, without quoting it. */
MUST_CHECK bool db_link_check(const char *conninfo, struct error *error);
/* `options` is borrowed while the link lives. On failure the link is closed. */
MUST_CHECK bool db_link_open(struct db_link *link, const struct db_options *options,
                             struct error *error);
/* Goes on as far as it can; call it when poll says so, until the state is READY: then the
 * connection is nonblocking and in pipeline mode. On failure the link is closed. */
MUST_CHECK bool db_link_advance(struct db_link *link, struct error *error);
void db_link_close(struct db_link *link);
