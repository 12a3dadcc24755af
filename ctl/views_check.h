/* Compares where views stand with the log, as a projector does before it reads on. */
#pragma once

#include "ctl/database.h"

struct views_place {
    struct text view;
    int64_t revision; /* -1: a copy beside the live one */
    struct text context;
    int64_t partition;
    struct text log; /* absent: nothing read yet */
    int64_t next_offset;
    int64_t last_offset;
    int64_t term;
    int64_t seq;
    int64_t time_us;
    /* Found out: */
    int64_t end;        /* of the log */
    struct error fault; /* FAULT_NONE: the log passes through there */
};

struct views_places {
    struct views_place *items; /* by view, revision, context, partition */
    size_t count;
};

extern const struct db_statement views_check_statement;

/* From the arena. False: database or log could not be asked. */
MUST_CHECK bool views_check(struct db_connection *connection, const char *brokers,
                            struct arena *arena, struct views_places *ret_places,
                            struct error *error);
/* The place is not one of this log: no waiting helps. */
bool views_place_is_lost(const struct views_place *place);
/* How many of the following places belong to the same view and revision. */
size_t views_places_of_one(const struct views_places *places, size_t first);
