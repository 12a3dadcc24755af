/* One line each; a view brings its own lag. */
#include "query-svc/query_metrics.h"
#include "query-svc/contexts.h"
#include <assert.h>

#define ANSWERS_HELP "Answers by class of status."
#define WAITS_HELP   "Requests that waited for a position, by outcome."

static struct metric answers_fine = {
    .name = "sijang_answers_total", .help = ANSWERS_HELP, .labels = "status=\"2xx\""};
static struct metric answers_unchanged = {
    .name = "sijang_answers_total", .help = ANSWERS_HELP, .labels = "status=\"3xx\""};
static struct metric answers_refused = {
    .name = "sijang_answers_total", .help = ANSWERS_HELP, .labels = "status=\"4xx\""};
static struct metric answers_faulted = {
    .name = "sijang_answers_total", .help = ANSWERS_HELP, .labels = "status=\"5xx\""};
static struct metric answer_duration = {.name = "sijang_question_duration_seconds",
                                        .help = "From the whole request to the answer.",
                                        .kind = METRIC_HISTOGRAM};
static struct metric waits_reached = {
    .name = "sijang_position_waits_total", .help = WAITS_HELP, .labels = "outcome=\"reached\""};
static struct metric waits_timed_out = {
    .name = "sijang_position_waits_total", .help = WAITS_HELP, .labels = "outcome=\"timed_out\""};
static struct metric waits_failed = {
    .name = "sijang_position_waits_total", .help = WAITS_HELP, .labels = "outcome=\"failed\""};
static struct metric wait_duration = {.name = "sijang_position_wait_duration_seconds",
                                      .help = "Until the view had come that far, or not.",
                                      .kind = METRIC_HISTOGRAM};
static struct metric database_failures = {.name = "sijang_database_failures_total",
                                          .help = "Questions the database did not answer."};
static struct metric database_connected = {.name = "sijang_database_connected",
                                           .help = "1 while questions reach the database.",
                                           .kind = METRIC_GAUGE};

static struct metric live_streams = {
    .name = "sijang_live_streams", .help = "Live answers under way.", .kind = METRIC_GAUGE};

static struct metric live_questions = {.name = "sijang_live_questions_total",
                                       .help = "Questions asked for live answers."};

static struct metric *const own[] = {
    &answers_fine,       &answers_unchanged, &answers_refused, &answers_faulted, &answer_duration,
    &waits_reached,      &waits_timed_out,   &waits_failed,    &wait_duration,   &database_failures,
    &database_connected, &live_streams,      &live_questions,
};

struct metric *const *query_metrics(const struct view *const *views)
{
    static struct metric *all[COUNT_OF(own) + CONTEXT_VIEWS_MAX + 1];
    size_t count = 0;

    for (; count < COUNT_OF(own); count++)
        all[count] = own[count];
    for (size_t i = 0; views[i] != NULL; i++) {
        assert(i < CONTEXT_VIEWS_MAX);
        all[count++] = views[i]->lag;
    }
    return all;
}

void query_metrics_streams(int64_t count)
{
    metric_set(&live_streams, count);
}

void query_metrics_live_question(void)
{
    metric_add(&live_questions, 1);
}

void query_metrics_answered(int status, int64_t duration_us)
{
    metric_observe_us(&answer_duration, duration_us);
    if (status < 300)
        metric_add(&answers_fine, 1);
    else if (status < 400)
        metric_add(&answers_unchanged, 1);
    else if (status < 500)
        metric_add(&answers_refused, 1);
    else
        metric_add(&answers_faulted, 1);
}

void query_metrics_waited(int64_t duration_us, enum view_outcome outcome)
{
    metric_observe_us(&wait_duration, duration_us);
    switch (outcome) {
    case VIEW_REACHED: metric_add(&waits_reached, 1); break;
    case VIEW_TOO_OLD:
    case VIEW_NOT_REACHED: metric_add(&waits_timed_out, 1); break;
    case VIEW_POSITION_UNKNOWN:
    case VIEW_UNAVAILABLE: metric_add(&waits_failed, 1); break;
    }
}

void query_metrics_failed(void)
{
    metric_add(&database_failures, 1);
}

void query_metrics_connected(bool connected)
{
    metric_set(&database_connected, connected);
}
