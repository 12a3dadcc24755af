/* Purse: coins that can be held for a transfer. Its parts are the holds. */
#pragma once

#include "command-svc/command.h"
#include "command-svc/exchange/refusals.h"
#include "schemas/exchange/events.h"

#define COINS_MAX 1000000000

struct purse {
    int64_t coins;
    int64_t held; /* 0 <= held <= coins */
};

enum hold_status { HOLD_ABSENT, HOLD_OPEN, HOLD_TAKEN, HOLD_RELEASED };

struct hold {
    int status; /* enum hold_status */
    int64_t amount;
};

extern const struct aggregate purse_aggregate;

/* Input of the commands on a hold that is there. */
struct hold_input {
    struct text hold_id;
};
extern const struct record hold_input_record;

struct hold_coins_input {
    struct text hold_id;
    int64_t amount;
};

extern const struct command hold_coins, take_hold, release_hold;
