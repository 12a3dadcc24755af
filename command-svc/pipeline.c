/* The way of a command on its shard, top to bottom. */
#include "command-svc/pipeline.h"

#include "command-svc/lane.h"
#include "command-svc/memory.h"
#include "command-svc/store_deadlines.h"
#include "command-svc/store_outcomes.h"
#include "lib/core/logger.h"
#include "lib/record/avro.h"
#include <string.h>

#define STATUS_CONFLICT 409

/* load, refuse duplicates */

static bool same_request(struct call *call, struct text hash)
{
    if (hash.size == REQUEST_HASH_SIZE &&
        memcmp(hash.bytes, call->request_hash, REQUEST_HASH_SIZE) == 0)
        return true;
    call_refuse_problem(call, &problem_idempotency_key_reused);
    return false;
}

/* A command that left no event: refused, or nothing had to change. */
static bool recall_outcome(struct lane *lane, struct call *call, bool *ret_known,
                           struct error *error)
{
    struct outcome outcome;

    if (!store_find_outcome(&lane->store, &call->command_id, lane->arena, &outcome, ret_known,
                            error))
        return false;
    if (!*ret_known || !same_request(call, outcome.request_hash))
        return true;
    call->appended = true;
    call_done(call, outcome.version);
    if (outcome.code.bytes == NULL)
        return true;
    struct text code = arena_copy_text(call->arena, outcome.code);
    if (code.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "answering again");
    call_refuse_problem(call, &(struct problem){.status = STATUS_CONFLICT, .code = code.bytes});
    return true;
}

bool pipeline_recall(struct lane *lane, struct call *call, bool *ret_known, struct error *error)
{
    struct remembered remembered;

    arena_reset(lane->arena);
    if (!store_find_command(&lane->store, &call->command_id, lane->arena, &remembered, ret_known,
                            error))
        return false;
    if (*ret_known && memory_is_over(lane, &remembered))
        *ret_known = false;
    if (!*ret_known)
        return !call->lasting || recall_outcome(lane, call, ret_known, error);
    if (!same_request(call, remembered.request_hash))
        return true;
    call->aggregate_id = arena_copy_text(call->arena, remembered.subject);
    if (call->aggregate_id.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "answering again");
    call->appended = true;
    call_done(call, remembered.version);
    return true;
}

/* A deadline set anew or cleared while its call was on its way. */
static bool is_superseded(const struct lane *lane, const struct call *call, bool *ret_superseded,
                          struct error *error)
{
    struct deadline_setting setting;
    struct store_key key;
    bool found;

    *ret_superseded = false;
    if (call->deadline == NULL)
        return true;
    if (!store_key_deadline(call->command->aggregate->name, call->aggregate_id,
                            call->deadline->name, &key, error) ||
        !deadline_find(&lane->store, &key, &setting, &found, error))
        return false;
    *ret_superseded = !found || !uuid_equal(&setting.event_id, &call->causation_id);
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

/* ce_id: of no other valid event, even if the command's key is used again when it is forgotten; the
 * same for a call decided again on the same state. */
static bool name_event(const struct lane *lane, struct log_event *event)
{
    const char *place =
        arena_print(lane->arena, "%.*s/%lld", TEXT_ARGS(event->subject), (long long)event->version);

    if (place == NULL)
        return false;
    event->id = uuid_v5(&event->command_id, place, strlen(place));
    return true;
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
            .type = text_of(decision->events[i].record->full_name),
            .source = source,
            .subject = call->aggregate_id,
            .time_us = decision->now_us,
            .version = loaded->version + (int64_t)i + 1,
            .command_id = call->command_id,
            .correlation_id = call->lasting ? call->correlation_id : call->command_id,
            .causation_id = call->lasting ? call->causation_id : call->command_id,
            .actor = decision->caller,
            .offset = lane_foresee(lane, i + 1),
        };
        memcpy(event->request_hash, call->request_hash, REQUEST_HASH_SIZE);
        trace_child(call->trace, &event->trace);
        if (!name_event(lane, event))
            return false;
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
            .place = lane_next_place(lane) + (int64_t)i,
        };
    if (!store_stage(&lane->store, loaded, recorded, decision->event_count, lane->arena, error) ||
        !log_partition_append(lane->log, events, decision->event_count, lane->appended + 1,
                              error)) {
        index_abandon(lane->store.index);
        return false;
    }
    index_seal(lane->store.index);
    lane->hurries = lane->hurries || loaded->hurries;
    lane->appended++;
    call->appended = true;
    return true;
}

/* The answer to a lasting call that left no event: it is a record, too. */
static bool append_outcome(struct lane *lane, struct call *call, const struct loaded *loaded,
                           struct error *error)
{
    char command_id[UUID_TEXT_SIZE];
    bool refused = call->outcome == CALL_REFUSED;
    struct outcome outcome = {
        .command_id = {command_id, UUID_TEXT_SIZE - 1},
        .request_hash = {(const char *)call->request_hash, REQUEST_HASH_SIZE},
        .code = refused ? text_of(call->problem.code) : (struct text){0},
        .aggregate = text_of(loaded->aggregate->name),
        .subject = call->aggregate_id,
        .version = loaded->version,
    };
    struct platform_entry entry = {
        .kind = PLATFORM_OUTCOME,
        .body = &outcome,
        .correlation_id = call->correlation_id,
        .causation_id = call->causation_id,
    };

    uuid_format(&call->command_id, command_id);
    if (!store_stage_outcome(&lane->store, &outcome, error) ||
        !log_partition_append_platform(lane->log, &entry, lane->appended + 1, error)) {
        index_abandon(lane->store.index);
        return false;
    }
    index_seal(lane->store.index);
    lane->appended++;
    call->appended = true;
    return true;
}

/* Sets the outcome, or leaves it to the events. */
static bool judge(const struct lane *lane, struct call *call, const struct loaded *loaded,
                  struct decision *decision, struct error *error)
{
    decision_start(decision, lane->arena);
    if (!may_decide(call, loaded))
        return true;
    decide(lane, call, loaded, decision);
    if (decision->out_of_memory)
        return error_set(error, FAULT_OUT_OF_MEMORY, "deciding %s", call->command->name);
    if (decision->refusal != NULL)
        call_refuse(call, decision->refusal);
    else
        call_done(call, loaded->version + (int64_t)decision->event_count);
    return true;
}

static bool work(struct lane *lane, struct call *call, struct error *error)
{
    struct decision decision;
    bool known = false, superseded = false;

    if (call->keyed && !pipeline_recall(lane, call, &known, error))
        return false;
    if (known)
        return true;
    if (!is_superseded(lane, call, &superseded, error))
        return false;
    if (superseded) {
        call_done(call, 0);
        return true;
    }
    struct loaded loaded = {
        .aggregate = call->command->aggregate,
        .id = call->aggregate_id,
        .part_id = call->part_id,
    };
    if (!store_load(&lane->store, &loaded, lane->arena, error))
        return false;
    if (!judge(lane, call, &loaded, &decision, error))
        return false;
    if (decision.event_count > 0)
        return append(lane, call, &loaded, &decision, error);
    return !call->lasting || append_outcome(lane, call, &loaded, error);
}

void pipeline_work(struct lane *lane, struct call *call)
{
    struct error error;

    arena_reset(lane->arena);
    if (call_is_late(call, log_partition_boot_us(lane->log))) {
        call_fault(call, FAULT_DEADLINE_PASSED);
        lane_answer(lane, call);
    } else if (work(lane, call, &error)) {
        lane_answer_when_certain(lane, call);
    } else {
        if (!fault_entry(error.fault)->retryable)
            log_error("command_failed", LOG_STRING("command", call->command->name),
                      LOG_TEXT("request_id", call->request_id), LOG_ERROR(&error));
        call_fault(call, error.fault);
        lane_answer(lane, call);
    }
}
