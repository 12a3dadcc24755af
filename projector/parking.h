/* The table of parked events, from the projector's side. */
#pragma once

#include "projector/projection.h"

extern const struct db_statement *const parking_statements[]; /* NULL-terminated */

/* Which keys are parked and which events discarded, of each view. */
MUST_CHECK bool parking_load(struct db_connection *connection, const struct projection_set *set,
                             struct arena *arena, struct error *error);
/* In a transaction that parks: it shall outlive the loss of the database's memory. */
MUST_CHECK bool parking_send_durable(struct db_connection *connection, struct error *error);
/* Queues what the view's fold parks, in order. */
MUST_CHECK bool parking_send(struct db_connection *connection, const struct projection *projection,
                             struct arena *arena, struct error *error);
/* Says what was parked, once it is. */
void parking_tell(const struct projection *projection);
