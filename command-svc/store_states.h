/* States in the index, roots and parts, and how an event is folded into them. A state is its front,
 * as the machine has it (the index never travels), and the Avro body of its record. */
#pragma once

#include "command-svc/store.h"
#include "command-svc/store_keys.h"

struct state_front {
    int64_t version;  /* of the aggregate when it was folded last */
    int64_t revision; /* of the aggregate's evolve */
};

/* What goes into the index behind a front of some bytes, which may be absent. */
struct stored_put {
    const struct record *record;
    const void *value;
    struct text front;
};
MUST_CHECK bool store_put(const struct store *store, enum index_table table, struct text key,
                          const struct stored_put *put, struct error *error);

/* Fills *loaded with the root and, if one is named, the part. *ret_revision is what they were
 * folded under; if it is not the aggregate's, the version is all that was read. */
MUST_CHECK bool states_load(const struct store *store, struct loaded *loaded, struct arena *arena,
                            int64_t *ret_revision, struct error *error);
/* Folds the event into the states, and puts the part it touches. */
MUST_CHECK bool states_fold(const struct store *store, struct loaded *loaded,
                            const struct recorded_event *event, struct arena *arena,
                            struct error *error);
MUST_CHECK bool states_put_root(const struct store *store, const struct loaded *loaded,
                                struct error *error);
