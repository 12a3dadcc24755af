/* CarryTransfer: what each event of a transfer asks of purse and chest. */
#include "command-svc/exchange/purse.h"
#include "command-svc/exchange/transfer.h"
#include "schemas/vault/inputs.h"

static void ask_hold(struct reaction_steps *steps, const struct transfer_requested *requested)
{
    step(steps, "hold", &hold_coins, requested->purse_id,
         &(struct hold_coins_input){.hold_id = steps->source_id, .amount = requested->amount});
}

static void ask_deposit(struct reaction_steps *steps, const struct transfer_approved *approved)
{
    step(steps, "deposit", &deposit_coins, approved->chest_id,
         &(struct deposit_coins_input){
             .deposit_id = steps->source_id,
             .amount = approved->amount,
         });
}

static void carry_transfer_react(const struct event *event, struct reaction_steps *steps)
{
    struct hold_input hold = {.hold_id = steps->source_id};

    if (event->kind == EXCHANGE_TRANSFER_REQUESTED)
        ask_hold(steps, event->value);
    else if (event->kind == EXCHANGE_TRANSFER_APPROVED)
        ask_deposit(steps, event->value);
    else if (event->kind == EXCHANGE_TRANSFER_DEPOSITED)
        step(steps, "take", &take_hold, ((const struct transfer_deposited *)event->value)->purse_id,
             &hold);
    else if (event->kind == EXCHANGE_TRANSFER_CANCELLING)
        step(steps, "release", &release_hold,
             ((const struct transfer_cancelling *)event->value)->purse_id, &hold);
}

static const struct record *const carry_transfer_events[] = {
    &transfer_requested_record,
    &transfer_approved_record,
    &transfer_deposited_record,
    &transfer_cancelling_record,
    NULL,
};

const struct reaction carry_transfer = {
    .name = "carry_transfer",
    .events = carry_transfer_events,
    .from = REACTION_FROM_BEGINNING,
    .outcome = &record_transfer_step,
    .react = carry_transfer_react,
};
