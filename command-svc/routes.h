/* The paths of all commands, out of the rooms' lists. */
#pragma once

#include "lib/web/server.h"

/* Ended by .method NULL; static. Call once, before the server starts. */
const struct web_route *routes_of_commands(void);
