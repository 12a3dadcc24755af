/* Batches out, results in, and a new connection when the old one is gone. */
#include "lib/db/lane.h"
#include "lib/core/backoff.h"
#include "lib/core/clock.h"
#include "lib/db/faults.h"
#include <assert.h>
#include <poll.h>

#define STATEMENT_MS_MAX  30000 /* patience when there is no statement timeout */
#define SILENCE_MS_ON_TOP 5000

static const struct backoff reconnecting = {.min_us = 20000, .max_us = 2000000};

void db_queue_push(struct db_queue *queue, struct db_question *question)
{
    question->next = NULL;
    if (queue->last != NULL)
        queue->last->next = question;
    else
        queue->first = question;
    queue->last = question;
    queue->count++;
}

struct db_question *db_queue_pop(struct db_queue *queue)
{
    struct db_question *question = queue->first;

    if (question == NULL)
        return NULL;
    queue->first = question->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count--;
    return question;
}

void db_queue_append(struct db_queue *queue, struct db_queue *others)
{
    if (others->first == NULL)
        return;
    if (queue->last != NULL)
        queue->last->next = others->first;
    else
        queue->first = others->first;
    queue->last = others->last;
    queue->count += others->count;
    *others = (struct db_queue){0};
}

void db_lane_init(struct db_lane *lane, const struct db_options *options, size_t in_flight_max)
{
    *lane = (struct db_lane){.options = options, .in_flight_max = in_flight_max};
    db_parameters_init(&lane->parameters);
}

static void answer_fault(struct db_question *question, const struct error *error)
{
    const struct db_rows none = {0};

    question->answer(question, &none, error);
}

static void push_in_flight(struct db_lane *lane, struct db_question *question)
{
    assert(lane->count < DB_IN_FLIGHT_MAX);
    lane->in_flight[(lane->first + lane->count++) % DB_IN_FLIGHT_MAX] = question;
}

static struct db_question *pop_in_flight(struct db_lane *lane)
{
    struct db_question *question = lane->in_flight[lane->first];

    assert(lane->count > 0);
    lane->first = (lane->first + 1) % DB_IN_FLIGHT_MAX;
    lane->count--;
    return question;
}

static void fail_all(struct db_lane *lane, const struct error *error)
{
    struct db_question *question;

    while (lane->count > 0) {
        question = pop_in_flight(lane);
        if (question != NULL)
            answer_fault(question, error);
    }
    while ((question = db_queue_pop(&lane->skipped)) != NULL)
        answer_fault(question, error);
    lane->batches = 0;
}

void db_lane_done(struct db_lane *lane, const struct error *error)
{
    fail_all(lane, error);
    db_link_close(&lane->link);
    db_parameters_done(&lane->parameters);
}

/* The connection is gone, lane->trouble says why. */
static void retire(struct db_lane *lane)
{
    if (lane->link.state != DB_LINK_READY)
        lane->failures++;
    db_link_close(&lane->link);
    lane->connect_at_boot_us =
        clock_boot_us() + backoff_draw_us(&reconnecting, (uint32_t)lane->failures + 1);
    fail_all(lane, &lane->trouble);
}

static void lose(struct db_lane *lane, const char *what)
{
    db_fail_connection(&lane->trouble, lane->link.pg, what);
    retire(lane);
}

bool db_lane_is_up(const struct db_lane *lane)
{
    return lane->link.state == DB_LINK_READY;
}

bool db_lane_may_send(const struct db_lane *lane)
{
    return db_lane_is_up(lane) && lane->batches < DB_BATCHES_MAX &&
           lane->count < lane->in_flight_max;
}

static void flush(struct db_lane *lane)
{
    int unsent = PQflush(lane->link.pg);

    if (unsent < 0) {
        lose(lane, "sending");
        return;
    }
    lane->link.wanted = unsent == 1 ? POLLIN | POLLOUT : POLLIN;
}

void db_lane_send(struct db_lane *lane, struct db_queue *waiting)
{
    PGconn *pg = lane->link.pg;
    size_t sent = 0;

    if (lane->count == 0)
        lane->progress_boot_us = clock_boot_us();
    while (waiting->first != NULL && lane->count < lane->in_flight_max) {
        struct db_question *question = db_queue_pop(waiting);
        struct error error = {0};
        if (db_parameters_send(&lane->parameters, pg, question->statement, question->values,
                               &error)) {
            push_in_flight(lane, question);
            sent++;
            continue;
        }
        answer_fault(question, &error);
        if (PQstatus(pg) == CONNECTION_BAD) {
            lose(lane, "sending");
            return;
        }
    }
    if (sent == 0)
        return;
    lane->batches++;
    if (PQpipelineSync(pg) != 1)
        lose(lane, "sending");
    else
        flush(lane);
}

static void answer_result(struct db_question *question, const PGresult *result)
{
    struct error error = {0};
    struct db_rows rows = {0};
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        db_fail_result(&error, result, question->statement->name);
    else if (!db_rows_read(result, question->statement, question->arena, &rows, &error))
        rows = (struct db_rows){0};
    question->answer(question, &rows, &error);
}

/* False: the connection is gone. */
static bool take_result(struct db_lane *lane, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    struct db_question *question;

    if (status == PGRES_PIPELINE_SYNC) {
        lane->batches--;
        return true;
    }
    if (status == PGRES_FATAL_ERROR && db_result_ends_connection(result)) {
        db_fail_result(&lane->trouble, result, "connection");
        retire(lane);
        return false;
    }
    question = pop_in_flight(lane);
    if (question != NULL && status == PGRES_PIPELINE_ABORTED)
        db_queue_push(&lane->skipped, question);
    else if (question != NULL)
        answer_result(question, result);
    return true;
}

static void receive(struct db_lane *lane)
{
    PGconn *pg = lane->link.pg;

    if (PQconsumeInput(pg) != 1) {
        lose(lane, "waiting");
        return;
    }
    lane->progress_boot_us = clock_boot_us();
    while (lane->batches > 0 && !PQisBusy(pg)) {
        PGresult *result = PQgetResult(pg); /* NULL between two questions */
        bool up = result != NULL ? take_result(lane, result) : PQstatus(pg) == CONNECTION_OK;
        PQclear(result);
        if (!up)
            break;
    }
    if (!db_lane_is_up(lane))
        return;
    if (PQstatus(pg) == CONNECTION_BAD)
        lose(lane, "waiting");
    else
        flush(lane);
}

static void come_up(struct db_lane *lane)
{
    if (!db_link_advance(&lane->link, &lane->trouble)) {
        retire(lane);
        return;
    }
    if (lane->link.state != DB_LINK_READY)
        return;
    lane->failures = 0;
    lane->link.wanted = POLLIN;
}

void db_lane_handle(struct db_lane *lane, struct db_queue *waiting)
{
    if (!db_lane_is_up(lane)) {
        come_up(lane);
        return;
    }
    receive(lane);
    db_queue_append(&lane->skipped, waiting);
    *waiting = lane->skipped;
    lane->skipped = (struct db_queue){0};
}

/* How long a server may say nothing although it was asked. */
static int64_t silence_us_max(const struct db_lane *lane)
{
    int64_t statement_ms =
        lane->options->timeout_ms > 0 ? lane->options->timeout_ms : STATEMENT_MS_MAX;

    return (2 * statement_ms + SILENCE_MS_ON_TOP) * 1000;
}

void db_lane_tick(struct db_lane *lane, int64_t now_boot_us)
{
    if (now_boot_us < db_lane_due_boot_us(lane))
        return;
    if (lane->link.state == DB_LINK_CLOSED) {
        if (!db_link_open(&lane->link, lane->options, &lane->trouble))
            retire(lane);
        return;
    }
    error_set(&lane->trouble, FAULT_DATABASE_UNAVAILABLE, "no answer in time");
    retire(lane);
}

int64_t db_lane_due_boot_us(const struct db_lane *lane)
{
    switch (lane->link.state) {
    case DB_LINK_CLOSED: return lane->connect_at_boot_us;
    case DB_LINK_CONNECTING:
    case DB_LINK_PREPARING: return lane->link.deadline_boot_us;
    case DB_LINK_READY: break;
    }
    return lane->batches > 0 ? lane->progress_boot_us + silence_us_max(lane) : INT64_MAX;
}

short db_lane_events(const struct db_lane *lane)
{
    return lane->link.state == DB_LINK_CLOSED ? 0 : lane->link.wanted;
}

void db_lane_expire(struct db_lane *lane, int64_t now_boot_us, int64_t *earliest_boot_us)
{
    struct error error = {0};

    error_set(&error, FAULT_DEADLINE_PASSED, "under way in the database");
    for (size_t i = 0; i < lane->count; i++) {
        struct db_question **slot = &lane->in_flight[(lane->first + i) % DB_IN_FLIGHT_MAX];
        if (*slot == NULL)
            continue;
        if ((*slot)->deadline_boot_us <= now_boot_us) {
            answer_fault(*slot, &error);
            *slot = NULL;
        } else if ((*slot)->deadline_boot_us < *earliest_boot_us) {
            *earliest_boot_us = (*slot)->deadline_boot_us;
        }
    }
}
