/* The one way a command takes, top to bottom. */
#include "command-svc/pipeline.h"

#include "command-svc/lane.h"
#include "command-svc/metrics.h"
#include "command-svc/request_key.h"
#include "command-svc/service.h"
#include "command-svc/shard.h"
#include "lib/core/clock.h"
#include "lib/core/logger.h"
#include "lib/log/partition.h"
#include "lib/record/avro.h"
#include <string.h>

/* authenticate */

static bool authenticate(struct call *call, const struct service *service)
{
    const struct problem *problem;

    if (!web_authenticate(service->auth, call->request, &call->caller, &problem)) {
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

static enum json_outcome read_input(struct call *call, struct json_reading *reading)
{
    const struct record *input = call->command->input;
    enum json_outcome outcome =
        json_read(input, web_request_body(call->request), reading, call->input);

    for (size_t i = 0; i < input->field_count && outcome == JSON_OK; i++)
        if (input->fields[i].in_path)
            outcome = json_set_text(input, input->fields[i].name,
                                    web_request_param(call->request, input->fields[i].name),
                                    reading, call->input);
    return outcome;
}

static bool validate(struct call *call)
{
    struct arena *arena = web_request_arena(call->request);
    struct json_reading *reading = arena_alloc_zeroed(arena, sizeof(*reading));

    call->input = arena_alloc_zeroed(arena, call->command->input->size + 1);
    enum json_outcome outcome = JSON_OUT_OF_MEMORY;
    if (reading != NULL && call->input != NULL) {
        reading->arena = arena;
        outcome = read_input(call, reading);
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
    static const char digits[] = "0123456789abcdef";
    uint8_t *last = &id->bytes[sizeof(id->bytes) - 1];

    if (++*last == 0) {
        *id = uuid_v7();
        uuid_format(id, text);
        return;
    }
    text[UUID_TEXT_SIZE - 3] = digits[*last >> 4];
    text[UUID_TEXT_SIZE - 2] = digits[*last & 15];
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
    call->aggregate_id = arena_copy_text(web_request_arena(call->request), drawn_text);
    return call->aggregate_id.bytes != NULL;
}

static bool name_aggregate(struct call *call, int32_t partition_count)
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
    if (!uuid_parse(web_request_param(call->request, aggregate->id_param), &id)) {
        call_refuse(call, aggregate->not_found);
        return false;
    }
    char *lower = arena_alloc(web_request_arena(call->request), UUID_TEXT_SIZE);
    if (lower == NULL) {
        call_fault(call, FAULT_OUT_OF_MEMORY);
        return false;
    }
    uuid_format(&id, lower);
    call->aggregate_id = (struct text){lower, UUID_TEXT_SIZE - 1};
    return true;
}

/* accept */

static bool prepare(struct call *call, const struct service *service)
{
    return authenticate(call, service) && validate(call) &&
           request_key_read(call, service->config->token_secret.reveal) &&
           name_aggregate(call, (int32_t)service->config->partitions);
}

void pipeline_accept(struct web_request *request, const void *constant)
{
    const struct endpoint *endpoint = constant;
    const struct service *service = web_request_user(request);
    struct call *call = arena_alloc_zeroed(web_request_arena(request), sizeof(*call));

    if (call == NULL) {
        web_fault(request, FAULT_OUT_OF_MEMORY);
        return;
    }
    call->request = request;
    call->command = endpoint->command;
    call->expected_version = -1;
    call->mark.offset = LOG_OFFSET_NONE;
    if (!prepare(call, service)) {
        metrics_count(call);
        call_answer(request, call);
        return;
    }
    int32_t partition = log_partition_of(call->aggregate_id, (int32_t)service->config->partitions);
    struct shard *shard = service->shards[partition % service->config->shards];
    web_suspend(request, call_answer, call);
    if (!shard_submit(shard, call, partition, endpoint->context)) {
        call_fault(call, FAULT_OVERLOADED);
        metrics_count(call);
        web_resume(request);
    }
}

/* load, refuse duplicates */

bool pipeline_recall(struct lane *lane, struct call *call, bool *ret_known, struct error *error)
{
    struct remembered remembered;

    arena_reset(lane->arena);
    if (!store_find_command(&lane->store, &call->command_id, lane->arena, &remembered, ret_known,
                            error))
        return false;
    if (!*ret_known)
        return true;
    if (remembered.request_hash.size != REQUEST_HASH_SIZE ||
        memcmp(remembered.request_hash.bytes, call->request_hash, REQUEST_HASH_SIZE) != 0) {
        call_refuse_problem(call, &problem_idempotency_key_reused);
        return true;
    }
    call->aggregate_id = arena_copy_text(web_request_arena(call->request), remembered.subject);
    if (call->aggregate_id.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "answering again");
    call->appended = true;
    call_done(call, remembered.version);
    return true;
}

/* Whether this caller may ask this of what was loaded. */
static bool may_decide(struct call *call, const struct loaded *loaded)
{
    const struct command *command = call->command;

    if (command->effect != COMMAND_CREATES && loaded->version == 0) {
        call_refuse(call, loaded->aggregate->not_found);
        return false;
    }
    if (command->owner != NULL && (call->caller.roles & command->owner_exempt) == 0) {
        const struct field *field = record_find_field(loaded->aggregate->root, command->owner);
        if (!text_is(*(const struct text *)((const char *)loaded->root + field->offset),
                     call->caller.subject)) {
            call_refuse(call, loaded->aggregate->not_owner);
            return false;
        }
    }
    if (call->expected_version >= 0 && call->expected_version != loaded->version) {
        call_refuse_problem(call, &problem_precondition_failed);
        return false;
    }
    return true;
}

/* decide */

static void decide(const struct lane *lane, const struct call *call, const struct loaded *loaded,
                   struct decision *decision)
{
    decision_start(decision, lane->arena);
    decision->caller = text_of(call->caller.subject);
    decision->caller_roles = call->caller.roles;
    decision->now_us = log_partition_now_us(lane->log);
    call->command->decide(loaded->version == 0 ? NULL : loaded->root,
                          loaded->slot.present ? loaded->slot.state : NULL, call->input, decision);
}

/* append */

static struct text source_of(const struct lane *lane, const struct aggregate *aggregate)
{
    return text_of(arena_print(lane->arena, "/%s/%s", aggregate->context, aggregate->name));
}

/* ce_id: the same for a command decided again, so that a twin can be told. */
static struct uuid event_id(const struct uuid *command_id, size_t number)
{
    uint8_t name = (uint8_t)number;

    return uuid_v5(command_id, &name, sizeof(name));
}

static bool encode_payloads(const struct lane *lane, const struct decision *decision,
                            struct log_event *events, struct error *error)
{
    size_t begins[DECISION_EVENTS_MAX + 1];

    buffer_clear(lane->payloads);
    for (size_t i = 0; i < decision->event_count; i++) {
        begins[i] = lane->payloads->size;
        avro_encode_framed(decision->events[i].record, decision->events[i].value, lane->payloads);
    }
    begins[decision->event_count] = lane->payloads->size;
    if (lane->payloads->failed)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "a commit is too large");
    for (size_t i = 0; i < decision->event_count; i++)
        events[i].payload = (struct text){(const char *)lane->payloads->bytes + begins[i],
                                          begins[i + 1] - begins[i]};
    return true;
}

static bool write_events(const struct lane *lane, const struct call *call,
                         const struct loaded *loaded, const struct decision *decision,
                         struct log_event *events)
{
    struct text source = source_of(lane, loaded->aggregate);

    for (size_t i = 0; i < decision->event_count; i++) {
        struct log_event *event = &events[i];
        *event = (struct log_event){
            .key = call->aggregate_id,
            .id = event_id(&call->command_id, i),
            .type = text_of(decision->events[i].record->full_name),
            .source = source,
            .subject = call->aggregate_id,
            .time_us = decision->now_us,
            .version = loaded->version + (int64_t)i + 1,
            .command_id = call->command_id,
            .correlation_id = call->command_id,
            .causation_id = call->command_id,
            .actor = decision->caller,
        };
        memcpy(event->request_hash, call->request_hash, REQUEST_HASH_SIZE);
        trace_child(web_request_trace(call->request), &event->trace);
    }
    return source.bytes != NULL;
}

/* Stages first and appends then, so that a failure of either leaves nothing behind. */
static bool append(struct lane *lane, struct call *call, struct loaded *loaded,
                   const struct decision *decision, struct error *error)
{
    struct log_event events[DECISION_EVENTS_MAX];
    struct recorded_event recorded[DECISION_EVENTS_MAX];

    if (!write_events(lane, call, loaded, decision, events))
        return error_set(error, FAULT_OUT_OF_MEMORY, "writing a commit");
    if (!encode_payloads(lane, decision, events, error))
        return false;
    for (size_t i = 0; i < decision->event_count; i++)
        recorded[i] = (struct recorded_event){
            .envelope = &events[i],
            .kind = store_event_kind(&lane->store, decision->events[i].record),
            .value = decision->events[i].value,
        };
    if (!store_stage(&lane->store, loaded, recorded, decision->event_count, lane->arena, error) ||
        !log_partition_append(lane->log, events, decision->event_count, lane->appended + 1,
                              error)) {
        index_abandon(lane->store.index);
        return false;
    }
    index_seal(lane->store.index);
    lane->appended++;
    call->appended = true;
    return true;
}

static bool work(struct lane *lane, struct call *call, struct error *error)
{
    struct decision decision;
    bool known = false;

    if (call->keyed && !pipeline_recall(lane, call, &known, error))
        return false;
    if (known)
        return true;
    struct loaded loaded = {
        .aggregate = call->command->aggregate,
        .id = call->aggregate_id,
        .part_id = call->part_id,
    };
    if (!store_load(&lane->store, &loaded, lane->arena, error))
        return false;
    if (!may_decide(call, &loaded))
        return true;
    decide(lane, call, &loaded, &decision);
    if (decision.out_of_memory)
        return error_set(error, FAULT_OUT_OF_MEMORY, "deciding %s", call->command->name);
    if (decision.refusal != NULL) {
        call_refuse(call, decision.refusal);
        return true;
    }
    call_done(call, loaded.version + (int64_t)decision.event_count);
    return decision.event_count == 0 || append(lane, call, &loaded, &decision, error);
}

void pipeline_work(struct lane *lane, struct call *call)
{
    struct error error;

    arena_reset(lane->arena);
    if (call_is_late(call, clock_boot_us())) {
        call_fault(call, FAULT_DEADLINE_PASSED);
        lane_answer(lane, call);
    } else if (work(lane, call, &error)) {
        lane_answer_when_durable(lane, call);
    } else {
        if (!fault_entry(error.fault)->retryable)
            log_error("command_failed", LOG_STRING("command", call->command->name),
                      LOG_TEXT("request_id", web_request_id(call->request)), LOG_ERROR(&error));
        call_fault(call, error.fault);
        lane_answer(lane, call);
    }
}
