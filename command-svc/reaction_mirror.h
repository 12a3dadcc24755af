/* Shows low-water marks to Kafka's tools, as offsets of groups called
 * sijang.reactions.<context>.<reaction>. A thread of its own; nobody waits for it. */
#pragma once

#include "command-svc/config.h"
#include "lib/core/error.h"

struct reaction_mirror;

MUST_CHECK struct reaction_mirror *reaction_mirror_start(const struct command_config *config,
                                                         struct error *error);
/* Any thread: a mark that is in a checkpoint; `context` and `reaction` by their places in the
 * lists. NULL accepted. */
void reaction_mirror_note(struct reaction_mirror *mirror, int context, size_t reaction,
                          int32_t partition, int64_t low_water);
/* NULL accepted, returns NULL. */
struct reaction_mirror *reaction_mirror_stop(struct reaction_mirror *mirror);
