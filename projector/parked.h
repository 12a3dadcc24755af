/* The row keys of a view behind which events wait, and the events that nobody shall apply: in
 * memory, as the database has them, so that most events pass with a look at an empty table. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/error.h"
#include "lib/core/id.h"

/* More than that is no poison but a fault of code or log. */
#define PARKED_KEYS_MAX      10000
#define DISCARDED_EVENTS_MAX 100000

struct parked {
    struct arena arena;
    struct text *keys;
    uint32_t *slots;        /* open addressing: index + 1 */
    size_t count, stored;   /* those of the fold under way stand behind the stored ones */
    struct uuid *discarded; /* sorted */
    size_t discarded_count;
};

void parked_init(struct parked *parked);
void parked_done(struct parked *parked);
void parked_clear(struct parked *parked);

bool parked_has(const struct parked *parked, struct text key);
/* A second time is harmless. LIMIT_EXCEEDED, OUT_OF_MEMORY. */
MUST_CHECK bool parked_add(struct parked *parked, struct text key, struct error *error);
/* What was added since the last time is stored, or forgotten. */
void parked_keep(struct parked *parked);
void parked_undo(struct parked *parked);

/* Takes the ids over, sorting them. */
void parked_set_discarded(struct parked *parked, struct uuid *ids, size_t count);
bool parked_is_discarded(const struct parked *parked, const struct uuid *event_id);
