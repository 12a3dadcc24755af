/* HoldCoins: sets coins aside for a transfer. */
#include "command-svc/exchange/purse.h"

static const struct field hold_coins_fields[] = {
    {FIELD_AT(hold_coins_input, hold_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(hold_coins_input, amount), .kind = FIELD_INTEGER, .min = 1, .max = COINS_MAX},
};

static const struct record hold_coins_input_record = {
    .name = "HoldCoinsInput",
    .size = sizeof(struct hold_coins_input),
    .fields = hold_coins_fields,
    .field_count = COUNT_OF(hold_coins_fields),
};

static void hold_coins_decide(const void *root, const void *part, const void *input,
                              struct decision *decision)
{
    const struct purse *purse = root;
    const struct hold_coins_input *wanted = input;

    if (part != NULL)
        refuse(decision, &hold_closed);
    else if (purse->coins - purse->held < wanted->amount)
        refuse(decision, &coins_short);
    else
        emit(decision, &coins_held_record,
             &(struct coins_held){.hold_id = wanted->hold_id, .amount = wanted->amount});
}

const struct command hold_coins = {
    .name = "HoldCoins",
    .aggregate = &purse_aggregate,
    .effect = COMMAND_CREATES_PART,
    .roles = ROLE_SERVICE,
    .part = "hold_id",
    .input = &hold_coins_input_record,
    .decide = hold_coins_decide,
};
