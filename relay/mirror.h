/* Shows in Kafka's tools how far each context is published: as offsets of a group of its own,
 * sijang.relay.<context>, which nobody reads from. The relay's thread; blocks. */
#pragma once

#include "lib/log/admin.h"
#include "relay/lane.h"

struct mirror {
    const struct relay_config *config;
    struct log_admin *admin; /* NULL: not opened yet */
    const char *groups[CONTEXT_COUNT];
    int64_t *offsets; /* by partition */
    int64_t due_boot_us;
    bool failed; /* the last time, which was said */
};

MUST_CHECK bool mirror_init(struct mirror *mirror, const struct relay_config *config,
                            struct arena *arena, struct error *error);
void mirror_done(struct mirror *mirror);
/* `lanes` are context by context, a partition each; written at most every other second. */
void mirror_turn(struct mirror *mirror, struct lane *lanes, const struct lane_ground *ground,
                 int64_t boot_us);
