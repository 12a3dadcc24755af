/* A call that the service gives itself, for a deadline or a reaction: its id never gets another
 * answer. Heap memory of its own. */
#pragma once

#include "command-svc/call.h"

struct errand {
    struct call call;
    struct arena arena;
    struct trace_context trace;
    void *about; /* its maker's */
};

/* What an errand is about. */
struct errand_order {
    const struct command *command;
    const char *caller;       /* as the events' actor shows it */
    struct text aggregate_id; /* copied */
    void *input;              /* borrowed; NULL: all zero */
    struct uuid command_id;
    struct uuid causation_id;
    struct uuid correlation_id;
    int64_t deadline_boot_us;
};

/* .call.finish is the caller's to set; .call.origin is the errand. Faults: OUT_OF_MEMORY,
 * LIMIT_EXCEEDED (the input is too large). */
MUST_CHECK struct errand *errand_create(const struct errand_order *order, struct error *error);
void errand_destroy(struct errand *errand);
