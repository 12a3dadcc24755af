/* The operators' desk: what is parked, and what to do about it, over HTTP. For admins only. */
#pragma once

#include "lib/web/auth.h"
#include "lib/web/server.h"
#include "projector/config.h"

struct desk;

/* NULL without a token secret in the configuration: then the paths answer 503. Connects when it is
 * asked. `config` must outlive it. */
MUST_CHECK bool desk_open(const struct projector_config *config, struct desk **ret_desk,
                          struct error *error);
struct desk *desk_close(struct desk *desk); /* no request may be under way; NULL accepted */

/* The server's `user` must be the desk. */
extern const struct web_route desk_routes[];
