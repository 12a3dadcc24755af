/* Transfer: state and how events change it. */
#include "command-svc/exchange/transfer.h"

#include <assert.h>

static const char *const transfer_statuses[] = {"absent",    "requested", "held",
                                                "approved",  "deposited", "cancelling",
                                                "completed", "cancelled", NULL};

static const struct field transfer_fields[] = {
    {FIELD_AT(transfer, status), .kind = FIELD_CHOICE, .symbols = transfer_statuses},
    {FIELD_AT(transfer, purse_id), .kind = FIELD_TEXT},
    {FIELD_AT(transfer, chest_id), .kind = FIELD_TEXT},
    {FIELD_AT(transfer, amount), .kind = FIELD_INTEGER},
    {FIELD_AT(transfer, reason), .kind = FIELD_TEXT},
};

static const struct record transfer_record = {
    .name = "Transfer",
    .size = sizeof(struct transfer),
    .fields = transfer_fields,
    .field_count = COUNT_OF(transfer_fields),
};

static void evolve_requested(struct transfer *transfer, const struct transfer_requested *requested)
{
    *transfer = (struct transfer){
        .status = TRANSFER_REQUESTED,
        .purse_id = requested->purse_id,
        .chest_id = requested->chest_id,
        .amount = requested->amount,
        .reason = TEXT(""),
    };
}

static void transfer_evolve(void *root, struct part_slot *slot, const struct event *event)
{
    struct transfer *transfer = root;
    (void)slot;

    switch ((enum exchange_event)event->kind) {
    case EXCHANGE_TRANSFER_REQUESTED: evolve_requested(transfer, event->value); break;
    case EXCHANGE_TRANSFER_HELD: transfer->status = TRANSFER_HELD; break;
    case EXCHANGE_TRANSFER_APPROVED: transfer->status = TRANSFER_APPROVED; break;
    case EXCHANGE_TRANSFER_DEPOSITED: transfer->status = TRANSFER_DEPOSITED; break;
    case EXCHANGE_TRANSFER_COMPLETED: transfer->status = TRANSFER_COMPLETED; break;
    case EXCHANGE_TRANSFER_CANCELLING:
        transfer->status = TRANSFER_CANCELLING;
        transfer->reason = ((const struct transfer_cancelling *)event->value)->reason;
        break;
    case EXCHANGE_TRANSFER_CANCELLED: transfer->status = TRANSFER_CANCELLED; break;
    case EXCHANGE_PURSE_OPENED:
    case EXCHANGE_COINS_HELD:
    case EXCHANGE_HOLD_TAKEN:
    case EXCHANGE_HOLD_RELEASED:
    case EXCHANGE_EVENT_COUNT: assert(false);
    }
}

static const struct deadline transfer_deadlines[] = {{"approval", &expire_transfer}, {0}};

static const struct aggregate_event transfer_events[EXCHANGE_EVENT_COUNT] = {
    [EXCHANGE_TRANSFER_REQUESTED] = {.sets = "approval", .due = "expires_at"},
    [EXCHANGE_TRANSFER_APPROVED] = {.clears = "approval"},
};

const struct aggregate transfer_aggregate = {
    .context = "exchange",
    .name = "transfer",
    .id_param = "transfer_id",
    .revision = 1,
    .root = &transfer_record,
    .event_records = exchange_events,
    .events = transfer_events,
    .deadlines = transfer_deadlines,
    .not_found = &transfer_not_found,
    .evolve = transfer_evolve,
};
