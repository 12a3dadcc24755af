/* POST /v1/errands/{digest}: an errand of another process of this service. */
#pragma once

#include "lib/web/server.h"

/* The server's user is the struct service. */
extern const struct web_route errand_routes[];
