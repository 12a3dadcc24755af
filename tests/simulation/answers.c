/* Every answer against the history: acceptances are in it, refusals were true when they were given,
 * failures changed nothing. */
#include "command-svc/command.h"
#include "lib/web/problem.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/history.h"
#include "tests/simulation/verdict.h"
#include "tests/simulation/world.h"
#include <string.h>

#define DECIDE_ARENA_MAX (1024 * 1024)

/* An attempt under judgement. */
struct case_file {
    const struct world *world;
    struct history *history;
    const struct attempt *attempt;
    const struct history_commit *commit; /* of its command; NULL: none */
};

static bool wrote(const struct case_file *file)
{
    return file->commit != NULL && file->commit->attempt == file->attempt->number;
}

static bool has_its_hash(const struct case_file *file)
{
    return memcmp(file->commit->request_hash, file->attempt->call.request_hash,
                  REQUEST_HASH_SIZE) == 0;
}

static void check_commit_answered(const struct case_file *file)
{
    const struct attempt *attempt = file->attempt;
    const struct history_commit *commit = file->commit;
    const struct call *call = &attempt->call;

    if (call->version != commit->events[commit->count - 1].seen.version ||
        !text_equal(call->aggregate_id, commit->stream.id))
        world_fail(file->world, "attempt %d was told another version or id than the log has",
                   attempt->number);
    if (call->keyed && !has_its_hash(file))
        world_fail(file->world, "attempt %d has the answer of another request", attempt->number);
    if (commit->appended_us > attempt->ended_us)
        world_fail(file->world, "attempt %d was accepted before it was in the log",
                   attempt->number);
    if (wrote(file) && commit->appended_us < attempt->sent_us)
        world_fail(file->world, "attempt %d is in the log before it was made", attempt->number);
    if (call->mark.partition != commit->partition ||
        !text_is(call->mark.context, commit->stream.aggregate->context) ||
        call->mark.offset < commit->last_offset)
        world_fail(file->world, "attempt %d has a position before its commit", attempt->number);
}

static bool is_owner(const struct call *call, const struct past *past)
{
    const struct field *field =
        record_find_field(call->command->aggregate->root, call->command->owner);

    return text_is(*(const struct text *)((const char *)past->root + field->offset),
                   call->caller.subject);
}

/* What the command says to the stream as it was then: a code, or NULL for acceptance. */
static const char *decide_again(const struct attempt *attempt, const struct past *past,
                                struct arena *arena, size_t *ret_events)
{
    const struct call *call = &attempt->call;
    const struct aggregate *aggregate = call->command->aggregate;
    struct decision decision;

    *ret_events = 0;
    if (call->command->effect != COMMAND_CREATES && past->version == 0)
        return aggregate->not_found->code;
    if (call->command->owner != NULL && (call->caller.roles & call->command->owner_exempt) == 0 &&
        !is_owner(call, past))
        return aggregate->not_owner->code;
    if (call->expected_version >= 0 && call->expected_version != past->version)
        return problem_precondition_failed.code;
    decision_start(&decision, arena);
    decision.caller = text_of(call->caller.subject);
    decision.caller_roles = call->caller.roles;
    bool has_part = call->command->part != NULL && past->slot.present;
    call->command->decide(past->version == 0 ? NULL : past->root,
                          has_part ? past->slot.state : NULL,
                          operation_read_input(attempt->operation, arena), &decision);
    *ret_events = decision.event_count;
    return decision.refusal == NULL ? NULL : decision.refusal->code;
}

/* Whether the answer was true of the stream at some moment between request and answer. */
static bool was_true_then(const struct case_file *file)
{
    const struct attempt *attempt = file->attempt;
    const struct call *call = &attempt->call;
    struct stream stream = {call->command->aggregate, call->aggregate_id};
    struct arena arena;
    struct past past;
    bool found = false;

    arena_init(&arena, DECIDE_ARENA_MAX);
    for (int commits = 0;
         !found && history_past(file->history, &stream, commits, call->part_id, &past); commits++) {
        size_t events;
        if (past.from_us > attempt->ended_us || past.to_us < attempt->sent_us)
            continue;
        arena_reset(&arena);
        const char *code = decide_again(attempt, &past, &arena, &events);
        if (call->outcome == CALL_REFUSED)
            found = code != NULL && strcmp(code, call->problem.code) == 0;
        else
            found = code == NULL && events == 0 && call->version == past.version;
    }
    arena_done(&arena);
    return found;
}

static bool refused_for_its_key(const struct call *call)
{
    return call->outcome == CALL_REFUSED &&
           strcmp(call->problem.code, problem_idempotency_key_reused.code) == 0;
}

/* What changed nothing is not remembered: a twin that is decided later may change something. */
static bool rests_on_commit(const struct case_file *file)
{
    const struct attempt *attempt = file->attempt;
    const struct history_commit *commit = file->commit;

    if (commit == NULL || commit->appended_us > attempt->ended_us)
        return false;
    return commit->appended_us < attempt->sent_us || wrote(file) ||
           attempt->call.version == commit->events[commit->count - 1].seen.version;
}

static void judge_definite(const struct case_file *file)
{
    const struct attempt *attempt = file->attempt;
    const struct call *call = &attempt->call;

    if (refused_for_its_key(call)) {
        if (file->commit == NULL || has_its_hash(file))
            world_fail(file->world, "attempt %d was refused for a key never used", attempt->number);
        return;
    }
    if (call->outcome == CALL_DONE && rests_on_commit(file)) {
        check_commit_answered(file);
        return;
    }
    if (wrote(file))
        world_fail(file->world, "attempt %d was refused and is in the log", attempt->number);
    if (!was_true_then(file))
        world_fail(file->world, "attempt %d was told %s, which was not true then", attempt->number,
                   call->outcome == CALL_DONE ? "that nothing changes" : call->problem.code);
}

static void judge(const struct case_file *file)
{
    const struct call *call = &file->attempt->call;

    switch (call->outcome) {
    case CALL_OPEN: world_fail(file->world, "attempt %d is still open", file->attempt->number);
    case CALL_DONE:
    case CALL_REFUSED: judge_definite(file); break;
    case CALL_RELAYED: world_fail(file->world, "nobody relays here");
    case CALL_MISPLACED:
        if (wrote(file))
            world_fail(file->world, "attempt %d was sent elsewhere and is in the log",
                       file->attempt->number);
        break;
    case CALL_FAULTED:
        if (call->fault != FAULT_OUTCOME_UNKNOWN && wrote(file))
            world_fail(file->world, "attempt %d failed and is in the log", file->attempt->number);
        break;
    }
}

/* What was told for good stays so: no copy of the call takes effect afterwards. */
static void judge_final(const struct case_file *file)
{
    const struct attempt *final = file->attempt->operation->final;

    if (final == NULL || file->commit == NULL)
        return;
    if (final->call.outcome == CALL_REFUSED || file->commit->appended_us > final->ended_us)
        world_fail(file->world, "operation %d was answered for good, and then is in the log",
                   file->attempt->operation->number);
}

void verdict_of_attempts(const struct world *world, struct history *history)
{
    for (int i = 0; i < world->crowd->attempt_count; i++) {
        const struct attempt *attempt = world->crowd->attempts[i];
        struct case_file file = {
            .world = world,
            .history = history,
            .attempt = attempt,
            .commit = history_find(history, &attempt->operation->command_id),
        };
        if (attempt->state != ATTEMPT_LOST)
            judge(&file);
        judge_final(&file);
    }
}
