/* A step's way: asked of its target, its answer told to the sender; again, later, when that fails
 * for now. */
#include "command-svc/reactor_steps.h"

#include "command-svc/contexts.h"
#include "command-svc/errand.h"
#include "command-svc/metrics.h"
#include "lib/core/backoff.h"
#include "lib/log/partition.h"
#include <assert.h>
#include <string.h>

#define PATIENCE_US 10000000

static const struct backoff patience = {.min_us = RETRY_MIN_US, .max_us = 10000000};

/* ask, tell */

/* Later from failure to failure, and not all at the same moment. */
static void again(struct step_run *run, enum run_state state, int64_t boot_us)
{
    uint8_t drawn = run->command_id.bytes[run->attempts % (int)sizeof(run->command_id.bytes)];
    uint32_t chance = UINT32_MAX / UINT8_MAX * drawn;

    run->attempts++;
    run->due_boot_us = boot_us + backoff_us(&patience, (uint32_t)run->attempts, chance);
    run->state = state;
    metric_add(&metric_reaction_retries, 1);
}

/* Only what would fail the same way every time. */
static bool is_deterministic(enum fault fault)
{
    return fault == FAULT_DATA_CORRUPT || fault == FAULT_LIMIT_EXCEEDED;
}

static void give_back(struct call *call)
{
    const struct step_run *run = ((struct errand *)call->origin)->about;
    const struct runner *runner = run->item->owner;
    const struct reactor_port *port = runner->reactor->port;

    port->give_back(port->self, call);
}

static void send(struct step_run *run, const struct errand_order *order, enum run_state state)
{
    const struct runner *runner = run->item->owner;
    const struct reactor_port *port = runner->reactor->port;
    enum run_state before = run->state;
    struct error error;
    struct errand *errand = errand_create(order, &error);

    if (errand == NULL && is_deterministic(error.fault)) {
        reaction_item_fail(run->item, run->step->name, fault_entry(error.fault)->code);
        return;
    }
    if (errand != NULL) {
        errand->about = run;
        errand->call.finish = give_back;
        run->state = state;
        run->item->outstanding++;
        metric_add(&metric_reaction_steps, 1);
        if (port->deliver(port->self, &errand->call,
                          log_partition_of(order->aggregate_id, port->partition_count),
                          contexts_find(order->command->aggregate->context)))
            return;
        run->item->outstanding--;
        errand_destroy(errand);
    }
    again(run, before, order->deadline_boot_us - PATIENCE_US);
}

static void ask(struct step_run *run, int64_t boot_us)
{
    const struct runner *runner = run->item->owner;

    send(run,
         &(struct errand_order){
             .command = run->step->command,
             .caller = runner->reaction->name,
             .aggregate_id = run->step->target_id,
             .input = run->step->input,
             .command_id = run->command_id,
             .causation_id = run->item->source.event_id,
             .correlation_id = run->item->source.correlation_id,
             .deadline_boot_us = boot_us + PATIENCE_US,
         },
         RUN_ASKED);
}

static void tell(struct step_run *run, int64_t boot_us)
{
    const struct runner *runner = run->item->owner;

    send(run,
         &(struct errand_order){
             .command = runner->reaction->outcome,
             .caller = runner->reaction->name,
             .aggregate_id = run->item->source.id,
             .input = &run->outcome,
             .command_id = reaction_outcome_id(&run->command_id),
             .causation_id = run->item->source.event_id,
             .correlation_id = run->item->source.correlation_id,
             .deadline_boot_us = boot_us + PATIENCE_US,
         },
         RUN_TELLING);
}

void reactor_run_item(struct runner *runner, struct reaction_item *item, int64_t boot_us)
{
    for (size_t i = 0; i < item->steps.count && !item->failing; i++) {
        struct step_run *run = &item->runs[i];
        if (run->due_boot_us > boot_us)
            continue;
        if (run->state == RUN_WAITING && reaction_run_may_go(&runner->window, run))
            ask(run, boot_us);
        else if (run->state == RUN_ANSWERED)
            tell(run, boot_us);
    }
}

/* take back */

static void end_run(struct step_run *run)
{
    run->state = RUN_DONE;
    run->item->undone--;
}

static void take_answer(struct step_run *run, const struct call *call)
{
    const struct runner *runner = run->item->owner;
    bool accepted = call->outcome == CALL_DONE;
    struct text code = text_of(accepted ? "" : call->problem.code);

    if (runner->reaction->outcome == NULL) {
        end_run(run);
        return;
    }
    run->outcome = (struct reaction_outcome){
        .reaction = text_of(runner->reaction->name),
        .step = text_of(run->step->name),
        .target = run->step->target_id,
        .accepted = accepted,
        .code = arena_copy_text(&run->item->arena, code),
    };
    run->attempts = 0;
    run->due_boot_us = 0;
    run->state = run->outcome.code.bytes == NULL ? RUN_WAITING : RUN_ANSWERED;
}

static void take_end(struct step_run *run, const struct call *call, int64_t boot_us)
{
    bool asked = run->state == RUN_ASKED;

    switch (call->outcome) {
    case CALL_FAULTED:
        if (is_deterministic(call->fault))
            reaction_item_fail(run->item, run->step->name, fault_entry(call->fault)->code);
        else
            again(run, asked ? RUN_WAITING : RUN_ANSWERED, boot_us);
        break;
    case CALL_REFUSED:
        if (!asked || strcmp(call->problem.code, problem_idempotency_key_reused.code) == 0) {
            reaction_item_fail(run->item, run->step->name, call->problem.code);
            break;
        }
        take_answer(run, call);
        break;
    case CALL_DONE:
        if (asked)
            take_answer(run, call);
        else
            end_run(run);
        break;
    case CALL_MISPLACED: again(run, asked ? RUN_WAITING : RUN_ANSWERED, boot_us); break;
    case CALL_RELAYED:
    case CALL_OPEN: assert(false);
    }
}

void reactor_take(struct call *call)
{
    struct errand *errand = call->origin;
    struct step_run *run = errand->about;
    struct reaction_item *item = run->item;
    struct runner *runner = item->owner;

    item->outstanding--;
    if (!item->orphaned)
        take_end(run, call, log_partition_boot_us(runner->reactor->lane->log));
    else if (item->outstanding == 0)
        reaction_item_destroy(item);
    runner->reactor->awake = true;
    errand_destroy(errand);
}
