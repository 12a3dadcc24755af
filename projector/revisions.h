/* Views that are listed with more than one revision: which of them the database wants kept. */
#pragma once

#include "lib/db/connection.h"
#include "projector/view.h"

struct revision_row {
    struct text view;
    int64_t revision;
    bool live;   /* readers get it */
    bool beside; /* complete, and follows the log: the next one, or the one before */
};

extern const struct db_statement revisions_read;

/* Rows of struct revision_row, of all views. */
MUST_CHECK bool revisions_load(struct db_connection *connection, struct arena *arena,
                               struct db_rows *ret_rows, struct error *error);
/* NULL: not there. */
const struct revision_row *revisions_find(const struct db_rows *rows, const struct view *view);

/* How many revisions of that name are listed. */
size_t revisions_count(struct text name);
/* The listed one of the live revision; NULL: there is none. */
MUST_CHECK bool revisions_find_live(struct db_connection *connection, struct text name,
                                    struct arena *arena, const struct view **ret_view,
                                    struct error *error);
