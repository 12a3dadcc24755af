/* contexts.def as a table: every bounded context with its topic and its events. */
#pragma once

#include "lib/record/record.h"

enum context_number {
#define CONTEXT(name) CONTEXT_##name,
#include "schemas/contexts.def"
#undef CONTEXT
    CONTEXT_COUNT,
};

struct context {
    const char *name;                   /* catalog */
    const char *topic;                  /* sijang.catalog.events.v1 */
    const char *public_topic;           /* sijang.catalog.public.v1: what a relay writes */
    const struct record *const *events; /* NULL-terminated */
};

extern const struct context contexts[CONTEXT_COUNT];

/* NULL when there is none of that name. */
const struct context *context_find(const char *name);
const struct context *context_named(struct text name);
/* Whose events the topic has; NULL: it is no context's, or only the copy a relay writes. */
const struct context *context_of_topic(const char *topic);
