/* The refusals of refusals.def, by name. */
#pragma once

#include "command-svc/aggregate.h"

#define REFUSAL(name, status, text) extern const struct refusal name;
#include "schemas/exchange/refusals.def"
#undef REFUSAL
