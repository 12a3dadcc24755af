/* GET /v1/reactions/{context}/{reaction}/parked, for admins. */
#pragma once

#include "lib/web/server.h"

extern const struct web_route parked_routes[];
