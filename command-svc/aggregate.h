/* What a room says about an aggregate: its state, its events, and how an event changes it. */
#pragma once

#include "lib/record/record.h"
#include <stdbool.h>
#include <stdint.h>

/* What evolve sees of an event. `kind` is the context's generated enum. */
struct event {
    int kind;
    const void *value;
    int64_t version; /* of the aggregate after it */
    int64_t time_us;
};

/* A child of the aggregate, loaded alone. evolve puts it (present = true) or removes it. */
struct part_slot {
    bool present;
    void *state;
};

struct command;

/* Something that happens when its time has come, unless it is cleared or set anew before. */
struct deadline {
    const char *name;              /* one per aggregate and name; part of ids: never renamed */
    const struct command *command; /* of the same aggregate; decided with a zero input */
};

/* A line of an aggregate's event table, at the index of its kind. */
struct aggregate_event {
    const char *part;   /* the event's text field that names the part it touches; NULL: none */
    const char *sets;   /* the deadline it sets; NULL: none */
    const char *due;    /* with `sets`: the event's integer field, microseconds UTC */
    const char *clears; /* the deadline it clears; NULL: none */
};

struct refusal {
    const char *code; /* stable */
    int status;
    const char *text;
};

struct aggregate {
    const char *context;
    const char *name;
    const char *id_param; /* of paths: product_id */
    const char *owner;    /* the root's text field with the subject who, beside admins, may read its
                             history; NULL: nobody */
    int revision;         /* another number: a stream's states are folded again */
    const struct record *root;
    const struct record *part;                 /* NULL: has none */
    const struct record *const *event_records; /* the context's, by kind */
    const struct aggregate_event *events;      /* by kind */
    const struct deadline *deadlines;          /* ends with a NULL name; NULL: has none */
    const struct refusal *not_found;
    const struct refusal *not_owner;
    /* Pure. `root` is zeroed before the first event; `slot` is NULL for events without a part.
     * Texts kept in the states borrow from the event or from what was there. */
    void (*evolve)(void *root, struct part_slot *slot, const struct event *event);
};
