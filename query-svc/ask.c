/* The way of a question. It begins on an HTTP thread, may wait on the poller's, is answered with
 * rows on the pipeline's, and ends on the HTTP thread it came from; nobody blocks on the way. */
#include "query-svc/ask.h"
#include "lib/core/clock.h"
#include "lib/core/logger.h"
#include "lib/log/partition.h"
#include "lib/web/etag.h"
#include "query-svc/answer.h"
#include "query-svc/input.h"
#include "query-svc/parked.h"
#include "query-svc/query_metrics.h"
#include "query-svc/service.h"
#include "query-svc/wait.h"
#include <string.h>

/* A gateway has 16 KiB for all headers; of 128 partitions and more the position is left out. */
#define POSITION_BYTES_MAX 8000

struct ask {
    const struct question *question;
    struct query_service *service;
    struct web_request *request;
    struct arena *arena;
    const void *input;
    int32_t partition; /* or VIEWS_ALL_PARTITIONS */
    struct text if_none_match;
    struct view_waiter waiter;
    int64_t waiting_since_boot_us;
    struct answer answer;
};

static struct question_line *line_of(const struct ask *ask)
{
    bool lists = ask->question->missing == NULL;

    return &ask->service->lines[lists ? QUESTION_LIST : QUESTION_ROW];
}

static bool may_ask(const struct ask *ask)
{
    const struct problem *problem;
    struct caller caller;

    if (ask->question->roles == 0)
        return true;
    if (!web_authenticate(ask->service->auth, ask->request, &caller, &problem)) {
        web_problem(ask->request, problem);
        return false;
    }
    if ((caller.roles & ask->question->roles) != 0)
        return true;
    web_problem(ask->request, &problem_forbidden);
    return false;
}

static int32_t find_partition(const struct ask *ask)
{
    const struct record *record = ask->question->input;
    const struct text *key;

    if (ask->question->key == NULL)
        return VIEWS_ALL_PARTITIONS;
    key = (const void *)((const char *)ask->input +
                         record_find_field(record, ask->question->key)->offset);
    return log_partition_of(*key, (int32_t)ask->service->config->partitions);
}

static void put_headers(const struct ask *ask)
{
    const struct view_standing *standing = &ask->answer.standing;

    if (standing->position != NULL && strlen(standing->position) <= POSITION_BYTES_MAX)
        web_header(ask->request, "Sijang-Position", standing->position);
    if (standing->lag != NULL)
        web_header(ask->request, "Sijang-View-Lag", standing->lag);
    if (standing->age_ms != NULL)
        web_header(ask->request, "Sijang-View-Age-Ms", standing->age_ms);
    if (standing->parked != NULL)
        web_header(ask->request, "Sijang-View-Parked", standing->parked);
    if (ask->answer.etag != NULL)
        web_header(ask->request, "ETag", ask->answer.etag);
}

/* The last step, on the HTTP thread. */
static void reply(struct web_request *request, void *state)
{
    const struct ask *ask = state;
    const struct answer *answer = &ask->answer;
    const struct text nothing = TEXT("");

    if (answer->fault != FAULT_NONE) {
        web_fault(request, answer->fault);
        return;
    }
    put_headers(ask);
    if (answer->problem != NULL)
        web_problem(request, answer->problem);
    else if (etag_matches(ask->if_none_match, answer->etag))
        web_answer(request, 304, NULL, nothing);
    else
        web_answer(request, answer->status, "application/json", answer->body);
}

/* What cannot help itself by being asked again is for a person to see. */
static void note_failure(const struct ask *ask, const struct error *error)
{
    query_metrics_failed();
    if (!fault_entry(error->fault)->retryable)
        log_error("question_failed", LOG_STRING("path", ask->question->path), LOG_ERROR(error));
}

static void take_rows(struct db_question *rows, const struct db_rows *read,
                      const struct error *error)
{
    struct ask *ask = rows->user;

    const struct answering with = {ask->question, ask->input, ask->arena, &line_of(ask)->rendering};

    ask->answer.fault = error->fault;
    if (error->fault == FAULT_NONE)
        answer_rows(&ask->answer, &with, read);
    else
        note_failure(ask, error);
    web_resume(ask->request);
}

static bool take_standing(struct ask *ask, struct error *error)
{
    struct views *views = ask->service->views;
    struct error trouble;

    if (views_describe(views, ask->question->view, ask->partition, ask->arena,
                       &ask->answer.standing))
        return true;
    views_trouble(views, &trouble);
    if (trouble.fault != FAULT_NONE)
        return error_set(error, FAULT_DATABASE_UNAVAILABLE, "positions cannot be read");
    return error_set(error, FAULT_NOT_READY, "positions were not read yet");
}

static bool send_rows(struct ask *ask, struct error *error)
{
    struct db_question *rows = arena_alloc(ask->arena, sizeof *rows);
    int64_t timeout_us = ask->service->config->request_timeout_ms * INT64_C(1000);

    /* Where the view stands is taken before the rows are asked for, from the same server, be it a
     * replica: a statement sent later sees at least what was committed then, so the rows are never
     * older than the position says. */
    if (!take_standing(ask, error))
        return false;
    if (rows == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "asking for rows");
    /* Its many values are not cleared: bind fills those that the statement has. */
    rows->arena = ask->arena;
    rows->deadline_boot_us = clock_boot_us() + timeout_us;
    rows->answer = take_rows;
    rows->user = ask;
    rows->statement = ask->question->bind(ask->input, ask->arena, rows->values);
    if (rows->statement == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "binding values");
    return db_pipeline_ask(line_of(ask)->pipeline, rows, error);
}

/* The request is suspended. */
static void read_rows(struct ask *ask)
{
    struct error error = {0};

    if (send_rows(ask, &error))
        return;
    ask->answer.fault = error.fault;
    web_resume(ask->request);
}

static void take_parked(struct db_question *question, const struct db_rows *rows,
                        const struct error *error)
{
    struct ask *ask = question->user;

    ask->answer.fault = error->fault;
    if (error->fault == FAULT_NONE)
        ask->answer.problem = parked_problem(rows, ask->arena);
    else
        note_failure(ask, error);
    if (ask->answer.fault == FAULT_NONE && ask->answer.problem == NULL)
        read_rows(ask);
    else
        web_resume(ask->request);
}

/* The view has what was waited for, unless that is parked. The request is suspended. */
static void read_reached(struct ask *ask)
{
    struct error error = {0};

    if (ask->waiter.mark_count == 0 || !views_park_near(ask->service->views, &ask->waiter)) {
        read_rows(ask);
        return;
    }
    struct db_question *question = arena_alloc(ask->arena, sizeof *question);
    if (question != NULL) {
        question->arena = ask->arena;
        question->deadline_boot_us = web_request_deadline_boot_us(ask->request);
        question->answer = take_parked;
        question->user = ask;
    }
    if (question == NULL || !parked_bind(question, &ask->waiter))
        error_set(&error, FAULT_OUT_OF_MEMORY, "asking for what is parked");
    else if (db_pipeline_ask(line_of(ask)->pipeline, question, &error))
        return;
    ask->answer.fault = error.fault;
    web_resume(ask->request);
}

static const struct problem problem_view_too_old = {
    .status = 504,
    .code = "view_too_old",
    .title = "The view has not been heard to be that fresh in time.",
};

/* With where the view stands. */
static const struct problem *too_late(struct ask *ask, const struct problem *which)
{
    struct problem *problem = arena_alloc(ask->arena, sizeof *problem);
    const struct view *view = ask->question->view;
    struct view_standing *standing = &ask->answer.standing;

    if (problem == NULL)
        return which;
    *problem = *which;
    if (views_describe(ask->service->views, view, VIEWS_ALL_PARTITIONS, ask->arena, standing))
        problem->detail =
            arena_print(ask->arena, "%s stands at %s", view->name,
                        standing->position[0] != '\0' ? standing->position : "the beginning");
    return problem;
}

static void take_outcome(struct view_waiter *waiter, enum view_outcome outcome)
{
    struct ask *ask = waiter->user;

    query_metrics_waited(clock_boot_us() - ask->waiting_since_boot_us, outcome);
    switch (outcome) {
    case VIEW_REACHED: read_reached(ask); return;
    case VIEW_NOT_REACHED:
        ask->answer.problem = too_late(ask, &problem_position_not_reached);
        break;
    case VIEW_TOO_OLD: ask->answer.problem = too_late(ask, &problem_view_too_old); break;
    case VIEW_POSITION_UNKNOWN: ask->answer.problem = &problem_unknown_position; break;
    case VIEW_UNAVAILABLE: ask->answer.fault = FAULT_DATABASE_UNAVAILABLE; break;
    }
    web_resume(ask->request);
}

/* The request is suspended. */
static void wait_for_view(struct ask *ask, const struct wait *wait)
{
    struct error error = {0};

    ask->waiting_since_boot_us = clock_boot_us();
    ask->waiter = (struct view_waiter){
        .view = ask->question->view,
        .marks = wait->marks,
        .mark_count = wait->count,
        .partition = ask->partition,
        .age_us_max = wait->age_us_max,
        .deadline_boot_us = ask->waiting_since_boot_us + wait->patience_us,
        .done = take_outcome,
        .user = ask,
    };
    bool any_will_do = wait->count == 0 && wait->age_us_max < 0;
    if (any_will_do || views_check(ask->service->views, &ask->waiter) == VIEW_REACHED) {
        read_reached(ask);
        return;
    }
    if (views_wait(ask->service->views, &ask->waiter, &error))
        return;
    ask->answer.fault = error.fault;
    web_resume(ask->request);
}

/* Everything but waiting; NULL: answered already. */
static struct ask *begin(struct web_request *request, const struct question *question)
{
    struct arena *arena = web_request_arena(request);
    struct ask *ask = arena_alloc_zeroed(arena, sizeof *ask);

    if (ask == NULL) {
        web_fault(request, FAULT_OUT_OF_MEMORY);
        return NULL;
    }
    ask->question = question;
    ask->service = web_request_user(request);
    ask->request = request;
    ask->arena = arena;
    if (!may_ask(ask))
        return NULL;
    ask->input = input_read(request, question);
    if (ask->input == NULL)
        return NULL;
    ask->partition = find_partition(ask);
    return ask;
}

void ask_handle(struct web_request *request, const void *constant)
{
    struct ask *ask = begin(request, constant);
    struct wait wait;

    if (ask == NULL)
        return;
    const struct problem *problem = wait_read(request, &wait);
    if (problem != NULL) {
        web_problem(request, problem);
        return;
    }
    ask->if_none_match = web_request_header(request, "If-None-Match");
    web_suspend(request, reply, ask);
    wait_for_view(ask, &wait);
}

void ask_live(struct web_request *request, const void *constant)
{
    const struct ask *ask = begin(request, constant);

    if (ask == NULL)
        return;
    const struct live_wish wish = {
        .question = ask->question,
        .line = line_of(ask),
        .input = ask->input,
        .partition = ask->partition,
        .seen = web_request_header(request, "Last-Event-ID"),
    };
    live_open(ask->service->live, request, &wish);
}
