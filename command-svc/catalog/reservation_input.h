/* The input of commands that name a reservation in their path and nothing else. */
#pragma once

#include "lib/record/record.h"

struct reservation_input {
    struct text reservation_id;
};

extern const struct record reservation_input_record;
