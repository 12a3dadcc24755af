/* Purse: state and how events change it. */
#include "command-svc/exchange/purse.h"

#include <assert.h>

static const char *const hold_statuses[] = {"absent", "open", "taken", "released", NULL};

static const struct field purse_fields[] = {
    {FIELD_AT(purse, coins), .kind = FIELD_INTEGER},
    {FIELD_AT(purse, held), .kind = FIELD_INTEGER},
};

static const struct record purse_record = {
    .name = "Purse",
    .size = sizeof(struct purse),
    .fields = purse_fields,
    .field_count = COUNT_OF(purse_fields),
};

static const struct field hold_fields[] = {
    {FIELD_AT(hold, status), .kind = FIELD_CHOICE, .symbols = hold_statuses},
    {FIELD_AT(hold, amount), .kind = FIELD_INTEGER},
};

static const struct record hold_record = {
    .name = "Hold",
    .size = sizeof(struct hold),
    .fields = hold_fields,
    .field_count = COUNT_OF(hold_fields),
};

static const struct field hold_input_fields[] = {
    {FIELD_AT(hold_input, hold_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
};

const struct record hold_input_record = {
    .name = "HoldInput",
    .size = sizeof(struct hold_input),
    .fields = hold_input_fields,
    .field_count = COUNT_OF(hold_input_fields),
};

static void set_hold(struct part_slot *slot, enum hold_status status, int64_t amount)
{
    slot->present = true;
    *(struct hold *)slot->state = (struct hold){.status = (int)status, .amount = amount};
}

static void evolve_held(struct purse *purse, struct part_slot *slot, const struct coins_held *held)
{
    purse->held += held->amount;
    set_hold(slot, HOLD_OPEN, held->amount);
}

static void evolve_taken(struct purse *purse, struct part_slot *slot,
                         const struct hold_taken *taken)
{
    purse->held -= taken->amount;
    purse->coins -= taken->amount;
    set_hold(slot, HOLD_TAKEN, taken->amount);
}

static void evolve_released(struct purse *purse, struct part_slot *slot,
                            const struct hold_released *released)
{
    purse->held -= released->amount;
    set_hold(slot, HOLD_RELEASED, released->amount);
}

static void purse_evolve(void *root, struct part_slot *slot, const struct event *event)
{
    struct purse *purse = root;

    switch ((enum exchange_event)event->kind) {
    case EXCHANGE_PURSE_OPENED:
        purse->coins = ((const struct purse_opened *)event->value)->coins;
        break;
    case EXCHANGE_COINS_HELD: evolve_held(purse, slot, event->value); break;
    case EXCHANGE_HOLD_TAKEN: evolve_taken(purse, slot, event->value); break;
    case EXCHANGE_HOLD_RELEASED: evolve_released(purse, slot, event->value); break;
    case EXCHANGE_TRANSFER_REQUESTED:
    case EXCHANGE_TRANSFER_HELD:
    case EXCHANGE_TRANSFER_APPROVED:
    case EXCHANGE_TRANSFER_DEPOSITED:
    case EXCHANGE_TRANSFER_COMPLETED:
    case EXCHANGE_TRANSFER_CANCELLING:
    case EXCHANGE_TRANSFER_CANCELLED:
    case EXCHANGE_EVENT_COUNT: assert(false);
    }
}

static const struct aggregate_event purse_events[EXCHANGE_EVENT_COUNT] = {
    [EXCHANGE_COINS_HELD] = {.part = "hold_id"},
    [EXCHANGE_HOLD_TAKEN] = {.part = "hold_id"},
    [EXCHANGE_HOLD_RELEASED] = {.part = "hold_id"},
};

const struct aggregate purse_aggregate = {
    .context = "exchange",
    .name = "purse",
    .id_param = "purse_id",
    .revision = 1,
    .root = &purse_record,
    .part = &hold_record,
    .event_records = exchange_events,
    .events = purse_events,
    .not_found = &purse_not_found,
    .evolve = purse_evolve,
};
