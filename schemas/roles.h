/* The roles of roles.def as bits and names. */
#pragma once

enum role_index {
#define ROLE(constant, name) ROLE_INDEX_##constant,
#include "schemas/roles.def"
#undef ROLE
    ROLE_COUNT,
};

enum role {
#define ROLE(constant, name) ROLE_##constant = 1 << ROLE_INDEX_##constant,
#include "schemas/roles.def"
#undef ROLE
};

/* In bit order, NULL-terminated: for web_auth_options.role_names. */
static const char *const role_names[ROLE_COUNT + 1] __attribute__((unused)) = {
#define ROLE(constant, name) name,
#include "schemas/roles.def"
#undef ROLE
};
