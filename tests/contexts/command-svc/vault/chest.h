/* Chest: takes coins up to its capacity. Its parts are the deposits. */
#pragma once

#include "command-svc/command.h"
#include "command-svc/vault/refusals.h"
#include "schemas/vault/events.h"

#define CHEST_COINS_MAX 1000000000

struct chest {
    int64_t capacity;
    int64_t coins; /* 0 <= coins <= capacity */
};

struct deposit {
    int64_t amount;
};

extern const struct aggregate chest_aggregate;
