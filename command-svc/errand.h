/* A call that the service gives itself, for a deadline or a reaction: its id never gets another
 * answer. Heap memory of its own. */
#pragma once

#include "command-svc/call.h"

struct errand {
    struct call call;
    struct arena arena;
    struct trace_context trace;
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

/* .call.finish and .call.origin are the caller's to set. NULL: no memory. */
struct errand *errand_create(const struct errand_order *order);
void errand_destroy(struct errand *errand);
