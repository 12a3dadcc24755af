/* OpenChest: a chest that takes so many coins. */
#include "command-svc/vault/chest.h"

struct open_chest_input {
    int64_t capacity;
};

static const struct field open_chest_fields[] = {
    {FIELD_AT(open_chest_input, capacity), .kind = FIELD_INTEGER, .max = CHEST_COINS_MAX},
};

static const struct record open_chest_input_record = {
    .name = "OpenChestInput",
    .size = sizeof(struct open_chest_input),
    .fields = open_chest_fields,
    .field_count = COUNT_OF(open_chest_fields),
};

static void open_chest_decide(const void *root, const void *part, const void *input,
                              struct decision *decision)
{
    const struct open_chest_input *wanted = input;
    (void)root, (void)part;

    emit(decision, &chest_opened_record, &(struct chest_opened){.capacity = wanted->capacity});
}

const struct command open_chest = {
    .name = "OpenChest",
    .method = "POST",
    .path = "/v1/chests",
    .aggregate = &chest_aggregate,
    .effect = COMMAND_CREATES,
    .roles = ROLE_ADMIN,
    .input = &open_chest_input_record,
    .decide = open_chest_decide,
};
