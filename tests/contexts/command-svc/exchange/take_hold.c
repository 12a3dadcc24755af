/* TakeHold: coins held leave the purse. */
#include "command-svc/exchange/purse.h"

static void take_hold_decide(const void *root, const void *part, const void *input,
                             struct decision *decision)
{
    const struct hold *hold = part;
    const struct hold_input *wanted = input;
    (void)root;

    if (hold == NULL || hold->status != HOLD_OPEN)
        refuse(decision, &hold_not_open);
    else
        emit(decision, &hold_taken_record,
             &(struct hold_taken){.hold_id = wanted->hold_id, .amount = hold->amount});
}

const struct command take_hold = {
    .name = "TakeHold",
    .aggregate = &purse_aggregate,
    .effect = COMMAND_CHANGES,
    .roles = ROLE_SERVICE,
    .part = "hold_id",
    .input = &hold_input_record,
    .decide = take_hold_decide,
};
