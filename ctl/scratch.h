/* What verify has to remember of every stream and every event, on disk: memory stays bounded
 * whatever the log holds. A local index in a folder of its own, thrown away at the end. */
#pragma once

#include "lib/core/error.h"
#include "lib/core/id.h"
#include <stdint.h>

struct scratch;

/* A new folder inside this one, which must exist. */
MUST_CHECK struct scratch *scratch_open(const char *folder, struct error *error);
struct scratch *scratch_close(struct scratch *scratch); /* NULL accepted, returns NULL */

struct scratch_place {
    int32_t partition;
    int64_t offset;
};

/* Puts a stream's newest version in place of the one before; 0: there was none. */
MUST_CHECK bool scratch_swap_version(struct scratch *scratch, const struct uuid *stream,
                                     int64_t version, int64_t *ret_before, struct error *error);
/* Remembers where an event is. *ret_known: it was somewhere before, at *ret_before. */
MUST_CHECK bool scratch_add_event(struct scratch *scratch, const struct uuid *event,
                                  const struct scratch_place *place, bool *ret_known,
                                  struct scratch_place *ret_before, struct error *error);
