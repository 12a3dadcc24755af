/* OpenPurse: a purse with its first coins. */
#include "command-svc/exchange/purse.h"

struct open_purse_input {
    int64_t coins;
};

static const struct field open_purse_fields[] = {
    {FIELD_AT(open_purse_input, coins), .kind = FIELD_INTEGER, .max = COINS_MAX},
};

static const struct record open_purse_input_record = {
    .name = "OpenPurseInput",
    .size = sizeof(struct open_purse_input),
    .fields = open_purse_fields,
    .field_count = COUNT_OF(open_purse_fields),
};

static void open_purse_decide(const void *root, const void *part, const void *input,
                              struct decision *decision)
{
    const struct open_purse_input *wanted = input;
    (void)root, (void)part;

    emit(decision, &purse_opened_record, &(struct purse_opened){.coins = wanted->coins});
}

const struct command open_purse = {
    .name = "OpenPurse",
    .method = "POST",
    .path = "/v1/purses",
    .aggregate = &purse_aggregate,
    .effect = COMMAND_CREATES,
    .roles = ROLE_ADMIN,
    .input = &open_purse_input_record,
    .decide = open_purse_decide,
};
