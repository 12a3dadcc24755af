/* What a room says about a view: its rows, the events it reads, which rows an event touches and
 * what it does to each. Everything else about views exists once, in this folder's other files. */
#pragma once

#include "lib/db/statement.h"
#include "lib/record/record.h"

#define VIEW_KEYS_MAX 20

/* What keys and apply see of an event. Texts live as long as the batch. */
struct view_event {
    const char *context;
    int kind;          /* the context's generated enum */
    const void *value; /* the generated struct */
    struct text subject;
    int64_t version; /* of the aggregate after it */
    int64_t time_us;
};

/* The rows an event touches, all fed by its own partition number. */
struct view_keys {
    struct text keys[VIEW_KEYS_MAX];
    size_t count;
};

enum view_outcome {
    VIEW_APPLIED,
    VIEW_IGNORED, /* the row stays as it is */
    VIEW_REFUSED, /* must not happen: the log or this code is wrong, nothing may be written */
};

struct view {
    const char *name;
    int revision;                       /* another one whenever the same events give other rows */
    const char *schema;                 /* view_<name>_r<revision>, made by a migration */
    const char *const *contexts;        /* NULL-terminated */
    const struct record *const *events; /* that it reads, NULL-terminated */
    const struct record *row; /* fields are columns, in order; .defaults is the absent row */
    const char *key;          /* the row's text field that is its primary key */
    /* $1 is an array of keys; answers the rows there are. */
    const struct db_statement *load;
    /* One array per field of `row`, in order, no key twice; the connection's search_path is
     * `schema`. */
    const struct db_statement *upsert;
    /* COPY FROM STDIN (FORMAT binary), columns as the fields of `row`: for rebuilding. */
    const char *copy;
    /* Pure. False: the event has no valid key, which is a refusal. */
    bool (*keys)(const struct view_event *event, struct view_keys *ret_keys);
    /* Pure. The key is set already. Texts put into the row may borrow from the event. What it did
     * to the row before refusing is undone. */
    enum view_outcome (*apply)(void *row, const struct view_event *event);
};
