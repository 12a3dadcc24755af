/* ReleaseHold: undoes a hold, whatever is known of it; one that is not there is refused later. */
#include "command-svc/exchange/purse.h"

static void release_hold_decide(const void *root, const void *part, const void *input,
                                struct decision *decision)
{
    const struct hold *hold = part;
    const struct hold_input *wanted = input;
    (void)root;

    if (hold != NULL && hold->status == HOLD_TAKEN)
        refuse(decision, &hold_not_open);
    else if (hold == NULL || hold->status == HOLD_OPEN)
        emit(decision, &hold_released_record,
             &(struct hold_released){
                 .hold_id = wanted->hold_id,
                 .amount = hold == NULL ? 0 : hold->amount,
             });
}

const struct command release_hold = {
    .name = "ReleaseHold",
    .aggregate = &purse_aggregate,
    .effect = COMMAND_CHANGES,
    .roles = ROLE_SERVICE,
    .part = "hold_id",
    .input = &hold_input_record,
    .decide = release_hold_decide,
};
