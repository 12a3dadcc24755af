/* The contexts whose events this service reads, and the views of each. */
#pragma once

#include "projector/view.h"

struct event_context {
    const char *name;
    const char *topic;
    const struct record *const *events; /* by kind, NULL-terminated */
    const struct view *const *views;    /* NULL-terminated */
};

extern const struct event_context *const event_contexts[]; /* NULL-terminated, as in contexts.def */

const struct event_context *event_context_find(const char *name); /* NULL if there is none */
/* Where the record stands in the context's events; -1 if it is none of them. */
int event_context_kind(const struct event_context *context, const struct record *record);
