/* GET /v1/views: how far all views are, for admins. */
#pragma once

#include "lib/db/statement.h"
#include "lib/web/server.h"

extern const struct db_statement views_list_read;
extern const struct web_route views_list_routes[];
