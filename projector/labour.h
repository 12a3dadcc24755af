/* The replay of one view, partition after partition, by a thread to which everything else goes
 * first: it works as much of the time as live views do not notice. */
#pragma once

#include "projector/config.h"
#include "projector/projection.h"
#include "projector/rebuild_table.h"
#include "projector/yield.h"

struct labour_options {
    const struct projector_config *config;
    struct projection *const *live;
    size_t live_count;
    struct db_connection *connection; /* tells how far it is */
    const struct view *view;          /* the new tables */
    const struct view *of;            /* the live one */
    const struct rebuild_row *row;
    struct yield *yield;
    bool (*pause_us)(void *self, int64_t us); /* false: it is time to stop */
    void *self;
};

/* Until it is done; then the state is `indexing`. SHUTTING_DOWN: given up, it goes on another time.
 */
MUST_CHECK bool labour_run(const struct labour_options *options, struct error *error);

/* What live views did since this was asked last. */
void labour_hear(const struct labour_options *options, enum yield_mood mood);
