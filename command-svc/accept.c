/* The way of a command from HTTP to its shard, top to bottom. */
#include "command-svc/accept.h"

#include "command-svc/answer.h"
#include "command-svc/forward.h"
#include "command-svc/metrics.h"
#include "command-svc/request_key.h"
#include "command-svc/service.h"
#include "command-svc/shard_thread.h"
#include "lib/core/clock.h"
#include "lib/core/hex.h"
#include "lib/log/partition.h"

/* authenticate */

static bool authenticate(struct call *call, const struct web_request *request,
                         const struct service *service)
{
    const struct problem *problem;

    if (!web_authenticate(service->auth, request, &call->caller, &problem)) {
        call_refuse_problem(call, problem);
        return false;
    }
    if ((call->caller.roles & call->command->roles) == 0) {
        call_refuse_problem(call, &problem_forbidden);
        return false;
    }
    return true;
}

/* validate */

static enum json_outcome read_input(struct call *call, const struct web_request *request,
                                    struct json_reading *reading)
{
    const struct record *input = call->command->input;
    enum json_outcome outcome = json_read(input, web_request_body(request), reading, call->input);

    for (size_t i = 0; i < input->field_count && outcome == JSON_OK; i++)
        if (input->fields[i].in_path)
            outcome = json_set_text(input, input->fields[i].name,
                                    web_request_param(request, input->fields[i].name), reading,
                                    call->input);
    return outcome;
}

static bool validate(struct call *call, const struct web_request *request)
{
    struct arena *arena = call->arena;
    struct json_reading *reading = arena_alloc_zeroed(arena, sizeof(*reading));

    call->input = arena_alloc_zeroed(arena, call->command->input->size + 1);
    enum json_outcome outcome = JSON_OUT_OF_MEMORY;
    if (reading != NULL && call->input != NULL) {
        reading->arena = arena;
        outcome = read_input(call, request, reading);
    }
    switch (outcome) {
    case JSON_OK: break;
    case JSON_MALFORMED:
        call_refuse_problem(call, &problem_malformed_json);
        call->problem.detail = reading->where;
        return false;
    case JSON_INVALID:
        call_refuse_problem(call, &problem_invalid_fields);
        call->problem.errors = &reading->errors;
        return false;
    case JSON_OUT_OF_MEMORY: call_fault(call, FAULT_OUT_OF_MEMORY); return false;
    }
    if (call->command->part != NULL) {
        const struct field *field = record_find_field(call->command->input, call->command->part);
        call->part_id = *(const struct text *)((const char *)call->input + field->offset);
    }
    return true;
}

/* route */

/* The next id in line: drawn anew only where its last byte has gone through all values. */
static void vary_id(struct uuid *id, char text[static UUID_TEXT_SIZE])
{
    uint8_t *last = &id->bytes[sizeof(id->bytes) - 1];

    if (++*last == 0) {
        *id = uuid_v7();
        uuid_format(id, text);
        return;
    }
    hex_write(&text[UUID_TEXT_SIZE - 3], last, 1);
}

/* The id of what is created is drawn until it falls into the partition of the command id: a retry,
 * which has only the key, comes to the partition that knows. */
static bool draw_aggregate_id(struct call *call, int32_t partition_count)
{
    char command_id[UUID_TEXT_SIZE], drawn[UUID_TEXT_SIZE];
    struct text command_text = {command_id, UUID_TEXT_SIZE - 1};
    struct text drawn_text = {drawn, UUID_TEXT_SIZE - 1};

    uuid_format(&call->command_id, command_id);
    int32_t wanted = log_partition_of(command_text, partition_count);
    struct uuid id = uuid_v7();
    uuid_format(&id, drawn);
    while (log_partition_of(drawn_text, partition_count) != wanted)
        vary_id(&id, drawn);
    call->aggregate_id = arena_copy_text(call->arena, drawn_text);
    return call->aggregate_id.bytes != NULL;
}

static bool name_aggregate(struct call *call, const struct web_request *request,
                           int32_t partition_count)
{
    const struct aggregate *aggregate = call->command->aggregate;
    struct uuid id;

    if (call->command->effect == COMMAND_CREATES) {
        if (!draw_aggregate_id(call, partition_count)) {
            call_fault(call, FAULT_OUT_OF_MEMORY);
            return false;
        }
        return true;
    }
    if (!uuid_parse(web_request_param(request, aggregate->id_param), &id)) {
        call_refuse(call, aggregate->not_found);
        return false;
    }
    char *lower = arena_alloc(call->arena, UUID_TEXT_SIZE);
    if (lower == NULL) {
        call_fault(call, FAULT_OUT_OF_MEMORY);
        return false;
    }
    uuid_format(&id, lower);
    call->aggregate_id = (struct text){lower, UUID_TEXT_SIZE - 1};
    return true;
}

/* Another process has sent it: the term that binds it, its deadline, and its id if one was drawn.
 */
static bool read_forwarded(struct call *call, const struct web_request *request,
                           const struct service *service)
{
    struct text value = web_request_header(request, FORWARDED_HEADER);
    struct forwarded forwarded;

    if (value.bytes == NULL)
        return true;
    if (!forwarded_read(value, &service->forwarded_key, web_request_method(request),
                        web_request_path(request), &forwarded)) {
        call_refuse_problem(call, &problem_forged);
        return false;
    }
    int64_t left_ms = forwarded.until_wall_ms - clock_wall_us() / 1000;
    if (left_ms > forwarded.left_ms)
        left_ms = forwarded.left_ms;
    int64_t deadline_boot_us = clock_boot_us() + left_ms * 1000;
    if (deadline_boot_us < call->deadline_boot_us)
        call->deadline_boot_us = deadline_boot_us;
    if (forwarded.drawn)
        call->command_id = forwarded.command_id;
    call->keyed = true;
    call->bound = true;
    call->bound_term = forwarded.term;
    return true;
}

/* accept */

static bool prepare(struct call *call, struct web_request *request, const struct service *service)
{
    return authenticate(call, request, service) && validate(call, request) &&
           request_key_read(call, request, &service->request_hash_key) &&
           read_forwarded(call, request, service) &&
           name_aggregate(call, request, (int32_t)service->config->partitions);
}

/* The one process that the client asked keeps the call until it is answered; one that was sent here
 * by it goes back. */
static void finish(struct call *call)
{
    const struct service *service = web_request_user(call->origin);

    if (call->outcome == CALL_MISPLACED && !call->bound &&
        forward_take(service->forward, call, call->origin))
        return;
    if (call->outcome == CALL_FAULTED && call->copied)
        call_fault(call, FAULT_OUTCOME_UNKNOWN);
    web_resume(call->origin);
}

/* What is not hosted here is somebody else's, whoever that is. */
static bool submit(struct call *call, const struct service *service)
{
    if (hosting_find(&service->hosting, call->context) < 0) {
        call_misplace(call);
        finish(call);
        return true;
    }
    struct shard *shard = service->shards[call->partition % service->config->shards].shard;

    if (shard_submit(shard, call, call->partition, call->context))
        return true;
    call_fault(call, FAULT_OVERLOADED);
    metrics_count(call);
    return false;
}

void accept_again(void *user, struct call *call)
{
    if (!submit(call, user))
        finish(call);
}

static struct call *create_call(struct web_request *request, const struct command *command)
{
    struct arena *arena = web_request_arena(request);
    struct call *call = arena_alloc_zeroed(arena, sizeof(*call));

    if (call == NULL)
        return NULL;
    *call = (struct call){
        .command = command,
        .arena = arena,
        .trace = web_request_trace(request),
        .request_id = web_request_id(request),
        .deadline_boot_us = web_request_deadline_boot_us(request),
        .origin = request,
        .finish = finish,
        .expected_version = -1,
        .mark = {.offset = LOG_OFFSET_NONE},
    };
    return call;
}

void accept_command(struct web_request *request, const void *constant)
{
    const struct endpoint *endpoint = constant;
    const struct service *service = web_request_user(request);
    struct call *call = create_call(request, endpoint->command);

    if (call == NULL) {
        web_fault(request, FAULT_OUT_OF_MEMORY);
        return;
    }
    if (!prepare(call, request, service)) {
        metrics_count(call);
        call_answer(request, call);
        return;
    }
    call->partition = log_partition_of(call->aggregate_id, (int32_t)service->config->partitions);
    call->context = endpoint->context;
    web_suspend(request, call_answer, call);
    if (!submit(call, service))
        web_resume(request);
}
