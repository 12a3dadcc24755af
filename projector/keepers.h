/* Keepers: while a view is listed with several revisions, each of them has a worker of its own, as
 * long as the database wants it kept. Their tables have the same names, so that one connection
 * cannot serve two. All calls from one thread. */
#pragma once

#include "lib/db/connection.h"
#include "projector/projection.h"

struct keepers;

/* Of all projections those whose view is listed more than once; they must outlive it. */
MUST_CHECK struct keepers *keepers_create(const struct projector_config *config,
                                          struct projection *const *projections, size_t count,
                                          struct error *error);
/* Starts and stops what the database says at present. */
MUST_CHECK bool keepers_look(struct keepers *keepers, struct db_connection *connection,
                             struct arena *arena, struct error *error);
/* Another projector keeps them. */
void keepers_leave(struct keepers *keepers);
struct keepers *keepers_destroy(struct keepers *keepers); /* NULL accepted */
