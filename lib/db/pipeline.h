/* Many small questions over few connections: threads submit, one thread per pipeline sends them on
 * in batches and hands the rows back. Reconnects by itself; what was under way then fails as
 * UNAVAILABLE. Statements only read: those of a batch share a transaction, and are sent again when
 * another one of it fails. */
#pragma once

#include "lib/db/connection.h"

struct db_pipeline;
struct db_question;

/* Called on the pipeline's thread. Rows come from question->arena. error->fault is FAULT_NONE if it
 * went well. */
typedef void db_answer(struct db_question *question, const struct db_rows *rows,
                       const struct error *error);

/* Owned by the submitter until answered; usually embedded in the request's arena. */
struct db_question {
    const struct db_statement *statement;
    struct db_value values[DB_PARAMETERS_MAX];
    struct arena *arena; /* used on the pipeline's thread until answered */
    int64_t deadline_boot_us;
    db_answer *answer;
    void *user;
    struct db_question *next; /* the pipeline's */
};

struct db_pipeline_options {
    struct db_options connection;
    int connections;      /* 1..16 */
    size_t waiting_max;   /* questions queued; more are refused */
    size_t in_flight_max; /* per connection between syncs, at most 256 */
};

/* Does not wait for the server: it may come later. Fails on a malformed connection string. Strings
 * and statements of the options are borrowed until stopped. */
MUST_CHECK struct db_pipeline *db_pipeline_start(const struct db_pipeline_options *options,
                                                 struct error *error);
/* Answers everything still waiting with SHUTTING_DOWN, stops the thread. NULL accepted. */
struct db_pipeline *db_pipeline_stop(struct db_pipeline *pipeline);
/* Any thread. False (OVERLOADED, SHUTTING_DOWN): not taken, answer is not called. */
MUST_CHECK bool db_pipeline_ask(struct db_pipeline *pipeline, struct db_question *question,
                                struct error *error);
bool db_pipeline_connected(const struct db_pipeline *pipeline); /* at least one connection is up */
/* Why the newest attempt to connect failed, or the newest connection was lost; FAULT_NONE: none
 * was. */
void db_pipeline_trouble(struct db_pipeline *pipeline, struct error *ret_trouble);
