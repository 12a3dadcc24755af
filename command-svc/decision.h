/* The outcome of decide: events, a refusal, or neither (nothing to change). */
#pragma once

#include "lib/core/arena.h"
#include "lib/record/record.h"
#include <stdbool.h>
#include <stdint.h>

#define DECISION_EVENTS_MAX 32

struct refusal;

struct decided_event {
    const struct record *record;
    const void *value;
};

struct decision {
    /* Given. */
    struct text caller; /* the token's subject */
    unsigned caller_roles;
    int64_t now_us; /* partition time */

    /* Taken through refuse and emit. */
    const struct refusal *refusal;
    struct decided_event events[DECISION_EVENTS_MAX];
    size_t event_count;

    struct arena *arena;
    bool out_of_memory;
};

void decision_start(struct decision *decision, struct arena *arena);
/* Once, and never together with emit. */
void refuse(struct decision *decision, const struct refusal *refusal);
/* Copies the struct; texts inside stay borrowed. */
void emit(struct decision *decision, const struct record *record, const void *value);
