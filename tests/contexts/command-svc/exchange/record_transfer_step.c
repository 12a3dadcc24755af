/* RecordTransferStep: what became of a step; the saga's table of transitions. */
#include "command-svc/exchange/transfer.h"

static void start_cancelling(const struct transfer *transfer, struct text reason,
                             struct decision *decision)
{
    emit(decision, &transfer_cancelling_record,
         &(struct transfer_cancelling){.purse_id = transfer->purse_id, .reason = reason});
}

static void after_hold(const struct transfer *transfer, const struct reaction_outcome *outcome,
                       struct decision *decision)
{
    if (transfer->status != TRANSFER_REQUESTED)
        return; /* cancelled meanwhile: its release is asked for */
    if (outcome->accepted)
        emit(decision, &transfer_held_record, &(struct transfer_held){.amount = transfer->amount});
    else
        emit(decision, &transfer_cancelled_record,
             &(struct transfer_cancelled){.reason = outcome->code});
}

static void after_deposit(const struct transfer *transfer, const struct reaction_outcome *outcome,
                          struct decision *decision)
{
    if (transfer->status != TRANSFER_APPROVED)
        refuse(decision, &step_unexpected);
    else if (outcome->accepted)
        emit(decision, &transfer_deposited_record,
             &(struct transfer_deposited){.purse_id = transfer->purse_id});
    else
        start_cancelling(transfer, outcome->code, decision);
}

static void after_take(const struct transfer *transfer, const struct reaction_outcome *outcome,
                       struct decision *decision)
{
    if (transfer->status != TRANSFER_DEPOSITED || !outcome->accepted)
        refuse(decision, &step_unexpected);
    else
        emit(decision, &transfer_completed_record,
             &(struct transfer_completed){.amount = transfer->amount});
}

static void after_release(const struct transfer *transfer, const struct reaction_outcome *outcome,
                          struct decision *decision)
{
    if (transfer->status != TRANSFER_CANCELLING || !outcome->accepted)
        refuse(decision, &step_unexpected);
    else
        emit(decision, &transfer_cancelled_record,
             &(struct transfer_cancelled){.reason = transfer->reason});
}

static void record_transfer_step_decide(const void *root, const void *part, const void *input,
                                        struct decision *decision)
{
    const struct reaction_outcome *outcome = input;
    (void)part;

    if (text_is(outcome->step, "hold"))
        after_hold(root, outcome, decision);
    else if (text_is(outcome->step, "deposit"))
        after_deposit(root, outcome, decision);
    else if (text_is(outcome->step, "take"))
        after_take(root, outcome, decision);
    else if (text_is(outcome->step, "release"))
        after_release(root, outcome, decision);
    else
        refuse(decision, &step_unexpected);
}

const struct command record_transfer_step = {
    .name = "RecordTransferStep",
    .aggregate = &transfer_aggregate,
    .effect = COMMAND_CHANGES,
    .roles = ROLE_SERVICE,
    .input = &reaction_outcome_record,
    .decide = record_transfer_step_decide,
};
