/* All views of this service: schemas/contexts.def as a list of this floor's rooms. */
#pragma once

#include "projector/view.h"
#include "schemas/contexts.h"

/* By context number; each list is NULL-terminated. */
extern const struct view *const *const view_lists[CONTEXT_COUNT];

size_t views_count(void);
