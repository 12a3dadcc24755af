/* One of a pipeline's connections, with what was asked on it. Belongs to the pipeline's thread. */
#pragma once

#include "lib/db/link.h"
#include "lib/db/pipeline.h"

#define DB_IN_FLIGHT_MAX 256
/* A second batch is on its way while the server works on the first; a third would only be smaller.
 */
#define DB_BATCHES_MAX 2

struct db_queue {
    struct db_question *first, *last;
    size_t count;
};

void db_queue_push(struct db_queue *queue, struct db_question *question);
struct db_question *db_queue_pop(struct db_queue *queue);              /* NULL when empty */
void db_queue_append(struct db_queue *queue, struct db_queue *others); /* empties others */

struct db_lane {
    const struct db_options *options;
    struct db_link link;
    struct db_parameters parameters;
    size_t in_flight_max;
    /* Ring in the order sent; NULL: its deadline passed, the result is thrown away. */
    struct db_question *in_flight[DB_IN_FLIGHT_MAX];
    size_t first;
    size_t count;
    size_t batches;
    struct db_queue skipped; /* not run because another one of their batch failed */
    int64_t connect_at_boot_us;
    int64_t progress_boot_us; /* the server gave a sign of life, or was first asked */
    int failures;             /* attempts to connect since it was last up */
    struct error trouble;
};

void db_lane_init(struct db_lane *lane, const struct db_options *options, size_t in_flight_max);
/* Answers what is under way with the fault, and closes. */
void db_lane_done(struct db_lane *lane, const struct error *error);

bool db_lane_is_up(const struct db_lane *lane);
bool db_lane_may_send(const struct db_lane *lane);
/* Sends what is waiting, as much as it takes, and one sync. */
void db_lane_send(struct db_lane *lane, struct db_queue *waiting);
/* The socket is ready: connects on, or answers. Questions to be sent again go in front of waiting.
 */
void db_lane_handle(struct db_lane *lane, struct db_queue *waiting);
/* Connects when it is time, gives up on a silent server. */
void db_lane_tick(struct db_lane *lane, int64_t now_boot_us);
/* Answers those whose deadline passed; lowers *earliest to the next deadline. */
void db_lane_expire(struct db_lane *lane, int64_t now_boot_us, int64_t *earliest_boot_us);
/* When tick has something to do; INT64_MAX: not by itself. */
int64_t db_lane_due_boot_us(const struct db_lane *lane);
short db_lane_events(const struct db_lane *lane); /* for poll; 0: no socket */
