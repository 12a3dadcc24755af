/* What a room says about a command: one constant, found over its method and path. One without them
 * is given by deadlines and reactions only. */
#pragma once

#include "command-svc/aggregate.h"
#include "command-svc/decision.h"
#include "schemas/roles.h"

enum command_effect {
    COMMAND_CHANGES,      /* 200; the aggregate must be there */
    COMMAND_CREATES,      /* 201; a new aggregate under a drawn id; needs an Idempotency-Key */
    COMMAND_CREATES_PART, /* 201; a new part of an aggregate; needs an Idempotency-Key */
};

struct command {
    const char *name;   /* ListProduct */
    const char *method; /* NULL: not over HTTP */
    const char *path;
    const struct aggregate *aggregate;
    enum command_effect effect;
    unsigned roles;        /* any of them may call */
    const char *owner;     /* the root's text field that must be the caller; NULL: no such rule */
    unsigned owner_exempt; /* roles that need not be the owner */
    const char *part;      /* the input's text field that names the part to load; NULL: none */
    const struct record *input;
    /* Pure: what follows from the state, the input, the caller and the time. `root` is NULL for
     * what does not exist yet, `part` NULL when there is none of that name. */
    void (*decide)(const void *root, const void *part, const void *input,
                   struct decision *decision);
};

struct reaction;

/* A context as this service sees it: a line in schemas/contexts.def names it. */
struct context {
    const char *name;
    const struct command *const *commands;     /* NULL-terminated */
    const struct aggregate *const *aggregates; /* NULL-terminated */
    const struct reaction *const *reactions;   /* NULL-terminated; NULL: none */
    const struct record *const *events;        /* all of the context, by kind, NULL-terminated */
};
