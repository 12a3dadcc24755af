/* The refusals of refusals.def, by name. */
#pragma once

#include "command-svc/aggregate.h"

#define REFUSAL(name, status, text) extern const struct refusal name;
#include "schemas/vault/refusals.def"
#undef REFUSAL
