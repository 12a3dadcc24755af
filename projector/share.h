/* Which partitions this process works. All projectors whose code writes the same revisions share
 * them by leases in the database (docs/decisions/0012). That spreads the work and no more: nothing
 * is lost or doubled because of the fence, whatever two of them believe. */
#pragma once

#include "lib/core/error.h"
#include "projector/config.h"
#include <stdint.h>

struct share;

/* A worker, as its process's share knows it. Guarded by the share. */
struct sharer {
    uint64_t term; /* of what it works; 0: nothing */
    struct sharer *next;
};

/* `config` must outlive it. Begins to ask at once, on a thread of its own. */
MUST_CHECK struct share *share_start(const struct projector_config *config, struct error *error);
/* Gives everything back. After the last sharer has left; NULL accepted; returns NULL. */
struct share *share_stop(struct share *share);

void share_join(struct share *share, struct sharer *sharer);
void share_leave(struct share *share, struct sharer *sharer);

/* From now on the sharer works what ret_held says, one entry a partition, and nothing else. Waits
 * until that is known; NOT_READY: it is not, or is out of date. */
MUST_CHECK bool share_take(struct share *share, struct sharer *sharer, bool *ret_held,
                           struct error *error);
/* It works nothing at present. */
void share_put(struct share *share, struct sharer *sharer);
/* What it has taken is not what it should work any more: finish, then take again. */
bool share_has_changed(struct share *share, const struct sharer *sharer);
