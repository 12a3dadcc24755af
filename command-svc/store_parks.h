/* What reactions cannot go on with, in the index: by sender and place, and how many a sender has.
 * On the shard's thread only. */
#pragma once

#include "command-svc/store.h"
#include "lib/log/platform.h"

/* Whether anything of that sender is parked. */
MUST_CHECK bool store_is_parked(const struct store *store, const char *reaction, struct text key,
                                bool *ret_parked, struct error *error);
/* Unsealed, the same when appended and when read. Parked twice, or released without being parked,
 * is as once. */
MUST_CHECK bool store_stage_park(const struct store *store, const struct park *park,
                                 struct error *error);
MUST_CHECK bool store_stage_release(const struct store *store, const struct release *release,
                                    struct error *error);

/* Borrowed during the visit. */
struct parked_row {
    struct text sender;
    int64_t place;
    struct text event; /* its name, for store_find_event */
    struct text step, reason;
};
typedef bool park_visitor(void *self, const struct parked_row *row);
struct park_visit {
    const char *reaction;
    struct text sender; /* where to begin; absent: with the first one */
    int64_t place;      /* of that sender's */
    park_visitor *visit;
    void *self;
};
/* Visits what is parked and flushed, sender by sender, in order. */
MUST_CHECK bool parks_visit(const struct store *store, const struct park_visit *visit,
                            struct error *error);
