/* What other contexts may ask of vault. */
#pragma once

#include "lib/core/text.h"
#include <stdint.h>

struct command;

struct deposit_coins_input {
    struct text deposit_id;
    int64_t amount;
};

extern const struct command deposit_coins;
