/* Outcomes in the index: what became of commands, given by deadlines and reactions, that left no
 * event. Kept for ever. On the shard's thread only. */
#pragma once

#include "command-svc/store.h"
#include "lib/log/platform.h"

/* *ret_found is false if there is none. Texts come from the arena. */
MUST_CHECK bool store_find_outcome(const struct store *store, const struct uuid *command_id,
                                   struct arena *arena, struct outcome *ret_outcome,
                                   bool *ret_found, struct error *error);
/* Unsealed: index_seal or index_abandon is the caller's. The same when appended and when read. */
MUST_CHECK bool store_stage_outcome(const struct store *store, const struct outcome *outcome,
                                    struct error *error);
