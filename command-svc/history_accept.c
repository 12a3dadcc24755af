/* From HTTP to the shard: who asks, for which stream, for which part of it. */
#include "command-svc/history_accept.h"

#include "command-svc/answer.h"
#include "command-svc/contexts.h"
#include "command-svc/history.h"
#include "command-svc/service.h"
#include "command-svc/shard_thread.h"
#include "lib/core/clock.h"
#include "lib/log/partition.h"

#define AS_OF_SIZE_MAX 200

struct history_input {
    struct optional_integer from_version;
    struct optional_integer limit;
    struct text as_of;
};

static const struct field input_fields[] = {
    {FIELD_AT(history_input, from_version), .kind = FIELD_INTEGER, .optional = true,
     .in_path = true, .min = 1, .max = INT64_MAX},
    {FIELD_AT(history_input, limit), .kind = FIELD_INTEGER, .optional = true, .in_path = true,
     .min = 1, .max = HISTORY_LIMIT_MAX},
    {FIELD_AT(history_input, as_of), .kind = FIELD_TEXT, .optional = true, .in_path = true,
     .min = 1, .max = AS_OF_SIZE_MAX},
};

static const struct record input_record = {
    .name = "HistoryInput",
    .size = sizeof(struct history_input),
    .fields = input_fields,
    .field_count = COUNT_OF(input_fields),
};

static bool find_stream(struct history *history, const struct web_request *request,
                        int *ret_context)
{
    struct text context = web_request_param(request, "context");
    struct text type = web_request_param(request, "type");
    struct uuid id;

    for (int c = 0; contexts[c] != NULL; c++) {
        if (!text_is(context, contexts[c]->name))
            continue;
        history->context = contexts[c];
        *ret_context = c;
        for (const struct aggregate *const *a = contexts[c]->aggregates; *a != NULL; a++)
            if (text_is(type, (*a)->name))
                history->aggregate = *a;
    }
    char *lower = arena_alloc(history->arena, UUID_TEXT_SIZE);
    if (history->aggregate == NULL || lower == NULL ||
        !uuid_parse(web_request_param(request, "id"), &id))
        return false;
    uuid_format(&id, lower);
    history->id = (struct text){lower, UUID_TEXT_SIZE - 1};
    return true;
}

static enum json_outcome read_fields(const struct web_request *request,
                                     struct json_reading *reading, struct history_input *input)
{
    enum json_outcome outcome = JSON_OK;

    for (size_t i = 0; i < COUNT_OF(input_fields) && outcome != JSON_OUT_OF_MEMORY; i++) {
        const char *name = input_fields[i].name;
        struct text given = web_request_query(request, name);
        enum json_outcome one = given.bytes == NULL
                                    ? JSON_OK
                                    : json_set_text(&input_record, name, given, reading, input);
        if (one != JSON_OK)
            outcome = one;
    }
    return outcome;
}

/* A time, or one position. */
static bool read_as_of(struct history *history, struct text as_of)
{
    bool malformed;

    if (as_of.bytes == NULL || clock_parse(as_of, &history->as_of_time_us))
        return true;
    return log_mark_parse(&as_of, &history->as_of, &malformed) && as_of.size == 0;
}

static bool read_input(struct history *history, const struct web_request *request)
{
    struct arena *arena = history->arena;
    struct json_reading *reading = arena_alloc_zeroed(arena, sizeof(*reading));
    struct history_input input = {0};
    enum json_outcome outcome = JSON_OUT_OF_MEMORY;

    if (reading != NULL) {
        reading->arena = arena;
        outcome = read_fields(request, reading, &input);
    }
    if (outcome == JSON_OK && !read_as_of(history, input.as_of)) {
        reading->errors.entries[reading->errors.count++] =
            (struct field_error){"as_of", "bad_format", "Must be a time or a position."};
        outcome = JSON_INVALID;
    }
    if (outcome == JSON_OUT_OF_MEMORY)
        history->fault = FAULT_OUT_OF_MEMORY;
    if (outcome == JSON_INVALID) {
        struct problem problem = problem_invalid_fields;
        problem.errors = &reading->errors;
        history->problem = arena_copy(arena, &problem, sizeof(problem));
    }
    history->from_version = input.from_version.present ? input.from_version.value : 1;
    history->limit = input.limit.present ? input.limit.value : HISTORY_LIMIT_INITIAL;
    return outcome == JSON_OK;
}

static bool is_context(struct text name)
{
    for (int c = 0; contexts[c] != NULL; c++)
        if (text_is(name, contexts[c]->name))
            return true;
    return false;
}

/* Positions of other partitions say nothing about this stream. */
static bool read_wait_for(struct history *history, struct web_request *request)
{
    struct arena *arena = history->arena;
    struct log_mark *marks = arena_alloc(arena, HISTORY_WAIT_MARKS_MAX * sizeof(*marks));
    struct text header;
    struct log_mark mark;
    bool malformed = false;

    if (marks == NULL || !web_request_header_joined(request, "Sijang-Wait-For", &header)) {
        history->fault = FAULT_OUT_OF_MEMORY;
        return false;
    }
    bool empty = header.bytes != NULL && header.size == 0;
    while (history->wait_count < HISTORY_WAIT_MARKS_MAX && history->problem == NULL &&
           log_mark_parse(&header, &mark, &malformed))
        if (!is_context(mark.context))
            history->problem = &problem_unknown_position;
        else if (text_is(mark.context, history->context->name) &&
                 mark.partition == history->partition)
            marks[history->wait_count++] = mark;
    history->wait_for = marks;
    if (history->problem == NULL && (malformed || empty || header.size > 0))
        history->problem = &problem_malformed_position;
    return history->problem == NULL;
}

/* A position of another partition names no moment of this stream. */
static bool check_as_of(struct history *history)
{
    const struct log_mark *as_of = &history->as_of;

    if (as_of->offset != LOG_OFFSET_NONE && (!text_is(as_of->context, history->context->name) ||
                                             as_of->partition != history->partition))
        history->problem = &problem_unknown_position;
    return history->problem == NULL;
}

static void resume(struct history *history)
{
    web_resume(history->origin);
}

static struct history *create_history(struct web_request *request)
{
    struct arena *arena = web_request_arena(request);
    struct history *history = arena_alloc_zeroed(arena, sizeof(*history));

    if (history == NULL)
        return NULL;
    *history = (struct history){
        .arena = arena,
        .request_id = web_request_id(request),
        .deadline_boot_us = web_request_deadline_boot_us(request),
        .origin = request,
        .look_up = history_look_up,
        .finish = resume,
        .as_of_time_us = INT64_MAX,
        .as_of = {.offset = LOG_OFFSET_NONE},
        .mark = {.offset = LOG_OFFSET_NONE},
    };
    return history;
}

static bool prepare(struct history *history, struct web_request *request, int *ret_context)
{
    const struct service *service = web_request_user(request);

    if (!web_authenticate(service->auth, request, &history->caller, &history->problem) ||
        !read_input(history, request))
        return false;
    if (!find_stream(history, request, ret_context)) {
        history->problem = &problem_stream_not_found;
        return false;
    }
    if (hosting_find(&service->hosting, *ret_context) < 0) {
        history->problem = &problem_context_not_hosted;
        return false;
    }
    history->partition = log_partition_of(history->id, (int32_t)service->config->partitions);
    return read_wait_for(history, request) && check_as_of(history);
}

static void accept_history(struct web_request *request, const void *unused)
{
    const struct service *service = web_request_user(request);
    struct history *history = create_history(request);
    int context = -1;

    (void)unused;
    if (history == NULL) {
        web_fault(request, FAULT_OUT_OF_MEMORY);
        return;
    }
    if (!prepare(history, request, &context)) {
        history_answer(request, history);
        return;
    }
    struct shard *shard = service->shards[history->partition % service->config->shards].shard;
    web_suspend(request, history_answer, history);
    if (!shard_look_up(shard, history, history->partition, context)) {
        history->fault = FAULT_OVERLOADED;
        web_resume(request);
    }
}

const struct web_route history_routes[] = {
    {.method = "GET", .path = "/v1/streams/{context}/{type}/{id}", .handle = accept_history},
    {0},
};
