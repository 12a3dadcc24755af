/* The refusals of refusals.def as problems. */
#pragma once

#include "lib/web/problem.h"

#define REFUSAL(name, status, text) extern const struct problem problem_##name;
#include "schemas/catalog/refusals.def"
#undef REFUSAL
