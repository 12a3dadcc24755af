/* Deadlines in the index, by (aggregate, id, name) and by the time they are due. On the shard's
 * thread only. */
#pragma once

#include "command-svc/store.h"
#include "command-svc/store_keys.h"

/* As the newest event that set it says. */
struct deadline_setting {
    int64_t due_us;
    struct uuid event_id;
    struct uuid correlation_id;
};

/* What a commit of the aggregate does to its deadlines: the one whose command it is, is over; then
 * its events clear and set. Unsealed, like all of store_stage. */
MUST_CHECK bool deadlines_stage(const struct store *store, const struct loaded *loaded,
                                const struct recorded_event *events, size_t count,
                                struct error *error);
/* A command left no event: the deadline it belongs to, if any, is over. */
MUST_CHECK bool deadlines_settle(const struct store *store, const struct aggregate *aggregate,
                                 struct text id, const struct uuid *command_id,
                                 struct error *error);

/* *ret_found: it is set. */
MUST_CHECK bool deadline_find(const struct store *store, const struct store_key *key,
                              struct deadline_setting *ret_setting, bool *ret_found,
                              struct error *error);

/* A deadline that is due, as the index has it; borrowed during the visit. */
struct due_deadline {
    const struct aggregate *aggregate;
    struct text id;
    const struct deadline *deadline;
    struct deadline_setting setting;
};

struct due_visit {
    void *self;
    bool (*visit)(void *self, const struct due_deadline *due); /* false: no more */
    int64_t until_us;
    size_t count_max; /* entries looked at, over ones included */
};

/* Visits what is due up to until_us, the oldest first. Sees only what has been flushed, but never
 * what is over. */
MUST_CHECK bool deadlines_visit(const struct store *store, const struct due_visit *visit,
                                struct error *error);
