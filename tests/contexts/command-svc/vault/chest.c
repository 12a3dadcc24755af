/* Chest: state and how events change it. */
#include "command-svc/vault/chest.h"

#include <assert.h>

static const struct field chest_fields[] = {
    {FIELD_AT(chest, capacity), .kind = FIELD_INTEGER},
    {FIELD_AT(chest, coins), .kind = FIELD_INTEGER},
};

static const struct record chest_record = {
    .name = "Chest",
    .size = sizeof(struct chest),
    .fields = chest_fields,
    .field_count = COUNT_OF(chest_fields),
};

static const struct field deposit_fields[] = {
    {FIELD_AT(deposit, amount), .kind = FIELD_INTEGER},
};

static const struct record deposit_record = {
    .name = "Deposit",
    .size = sizeof(struct deposit),
    .fields = deposit_fields,
    .field_count = COUNT_OF(deposit_fields),
};

static void evolve_deposited(struct chest *chest, struct part_slot *slot,
                             const struct coins_deposited *deposited)
{
    chest->coins += deposited->amount;
    slot->present = true;
    ((struct deposit *)slot->state)->amount = deposited->amount;
}

static void chest_evolve(void *root, struct part_slot *slot, const struct event *event)
{
    struct chest *chest = root;

    switch ((enum vault_event)event->kind) {
    case VAULT_CHEST_OPENED:
        chest->capacity = ((const struct chest_opened *)event->value)->capacity;
        break;
    case VAULT_COINS_DEPOSITED: evolve_deposited(chest, slot, event->value); break;
    case VAULT_EVENT_COUNT: assert(false);
    }
}

static const struct aggregate_event chest_events[VAULT_EVENT_COUNT] = {
    [VAULT_COINS_DEPOSITED] = {.part = "deposit_id"},
};

const struct aggregate chest_aggregate = {
    .context = "vault",
    .name = "chest",
    .id_param = "chest_id",
    .revision = 1,
    .root = &chest_record,
    .part = &deposit_record,
    .event_records = vault_events,
    .events = chest_events,
    .not_found = &chest_not_found,
    .evolve = chest_evolve,
};
