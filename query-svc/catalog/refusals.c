/* What commands and questions refuse alike reads alike. */
#include "query-svc/catalog/refusals.h"

#define REFUSAL(name, status, text)                                                                \
    const struct problem problem_##name = {status, #name, text, NULL, NULL};
#include "schemas/catalog/refusals.def"
#undef REFUSAL
