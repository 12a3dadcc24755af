/* DepositCoins: coins come into the chest, if they fit. */
#include "command-svc/vault/chest.h"
#include "schemas/vault/inputs.h"

static const struct field deposit_coins_fields[] = {
    {FIELD_AT(deposit_coins_input, deposit_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(deposit_coins_input, amount), .kind = FIELD_INTEGER, .min = 1,
     .max = CHEST_COINS_MAX},
};

static const struct record deposit_coins_input_record = {
    .name = "DepositCoinsInput",
    .size = sizeof(struct deposit_coins_input),
    .fields = deposit_coins_fields,
    .field_count = COUNT_OF(deposit_coins_fields),
};

static void deposit_coins_decide(const void *root, const void *part, const void *input,
                                 struct decision *decision)
{
    const struct chest *chest = root;
    const struct deposit_coins_input *wanted = input;

    if (part != NULL)
        refuse(decision, &deposit_made);
    else if (chest->capacity - chest->coins < wanted->amount)
        refuse(decision, &chest_full);
    else
        emit(decision, &coins_deposited_record,
             &(struct coins_deposited){
                 .deposit_id = wanted->deposit_id,
                 .amount = wanted->amount,
             });
}

const struct command deposit_coins = {
    .name = "DepositCoins",
    .aggregate = &chest_aggregate,
    .effect = COMMAND_CREATES_PART,
    .roles = ROLE_SERVICE,
    .part = "deposit_id",
    .input = &deposit_coins_input_record,
    .decide = deposit_coins_decide,
};
