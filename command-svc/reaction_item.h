/* One event on its way through a reaction: its steps, how far each has come, and which of them may
 * go. Plain data and rules; reactor.c moves it. */
#pragma once

#include "command-svc/store_reactions.h"

enum run_state {
    RUN_WAITING = 1, /* to be asked: for the first time, or again */
    RUN_ASKED,       /* under way to its target */
    RUN_ANSWERED,    /* the sender is to be told: for the first time, or again */
    RUN_TELLING,     /* under way to the sender */
    RUN_DONE,
};

struct reaction_item;

/* A step under way. */
struct step_run {
    struct reaction_item *item;
    const struct reaction_step *step;
    struct uuid command_id;
    uint64_t way; /* from this sender to this target: one after the other */
    enum run_state state;
    int attempts;
    int64_t due_boot_us; /* not before */
    struct reaction_outcome outcome;
};

struct reaction_item {
    void *owner; /* the runner it belongs to */
    struct reaction_item *next;
    int64_t place;
    struct triggered source;
    struct reaction_steps steps;
    struct step_run runs[REACTION_STEPS_MAX];
    size_t undone;           /* steps */
    size_t outstanding;      /* calls that will come back */
    bool orphaned;           /* its runner has forgotten it; ends with its last call */
    bool failing;            /* takes no further step: is to be parked */
    bool released;           /* it was parked: done with, a release record says so */
    const char *failed_step; /* NULL: follows another one */
    char reason[40];
    uint64_t park_token; /* of the record that ends it; 0: not written */
    struct arena arena;
};

/* NULL: no memory. The event is to be loaded into .source, in .arena. */
struct reaction_item *reaction_item_create(void *owner, int64_t place);
void reaction_item_destroy(struct reaction_item *item);
/* Asks the reaction. False: no memory. */
MUST_CHECK bool reaction_item_react(struct reaction_item *item, const struct reaction *reaction);

/* In the order of their places. */
struct reaction_window {
    struct reaction_item *first;
    struct reaction_item *last;
    size_t count;
};

void reaction_window_push(struct reaction_window *window, struct reaction_item *item);
struct reaction_item *reaction_window_pop(struct reaction_window *window); /* asserts: not empty */
/* Whether nothing earlier is on the same way. */
bool reaction_run_may_go(const struct reaction_window *window, const struct step_run *run);
/* Of an item that was parked: whether none of its sender's is tried again before it. */
bool reaction_item_may_retry(const struct reaction_window *window,
                             const struct reaction_item *item);
/* The item cannot go on; those behind it in its window with the same sender neither. */
void reaction_item_fail(struct reaction_item *item, const char *failed_step, const char *reason);
