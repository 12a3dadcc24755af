/* What operators do about parked events: have them tried again, or discard them. Each in
 * transactions of its own that raise the generation first, so that the worker reads rows and parked
 * keys again; durable before it returns. One thread. */
#pragma once

#include "lib/db/connection.h"
#include "projector/view.h"

extern const struct db_statement *const release_statements[]; /* NULL-terminated */

struct release {
    struct db_connection *connection; /* with the view's statements; waits for the disk */
    const struct view *view;
    struct text key;
    struct text who;
    struct arena *arena;
};

struct release_result {
    bool found;        /* something was parked under that key */
    int64_t applied;   /* events */
    int64_t discarded; /* events */
    bool blocked;      /* the first of the others cannot be applied: `cause` */
    struct error cause;
};

/* Applies the events of the key, in order, up to the first that cannot be. False: a fault; what was
 * done before it stays done. */
MUST_CHECK bool release_retry(const struct release *release, struct release_result *ret_result,
                              struct error *error);
/* Discards the first event of the key, for ever and for every revision, then tries the others. */
MUST_CHECK bool release_discard(const struct release *release, struct text reason,
                                struct release_result *ret_result, struct error *error);
