/* Transfer: a saga that takes coins from a purse to a chest, once somebody has approved it. */
#pragma once

#include "command-svc/command.h"
#include "command-svc/exchange/refusals.h"
#include "command-svc/reaction.h"
#include "schemas/exchange/events.h"

#define TRANSFER_REASON_MAX 64

enum transfer_status {
    TRANSFER_ABSENT,
    TRANSFER_REQUESTED, /* the hold is asked for */
    TRANSFER_HELD,      /* waits for approval */
    TRANSFER_APPROVED,  /* the deposit is asked for */
    TRANSFER_DEPOSITED, /* past the pivot: the hold will be taken */
    TRANSFER_CANCELLING,
    TRANSFER_COMPLETED,
    TRANSFER_CANCELLED,
};

struct transfer {
    int status; /* enum transfer_status */
    struct text purse_id;
    struct text chest_id;
    int64_t amount;
    struct text reason; /* why it is cancelled */
};

extern const struct aggregate transfer_aggregate;
extern const struct command expire_transfer, record_transfer_step;
extern const struct reaction carry_transfer;
