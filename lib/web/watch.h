/* Ends connections on which a request takes too long to arrive, however little trickles in: the
 * library's own timeout begins anew with every byte. */
#pragma once

#include "lib/web/request.h"

/* One more thread. Started before the server's first connection … */
MUST_CHECK bool watch_start(struct web_server *server, struct error *error);
/* … and stopped before its last one. */
void watch_stop(struct web_server *server);

/* On the connection's thread: the head, or the body, is to be complete by then. */
void watch_until(struct web_request *request, int64_t boot_us);
/* Nothing is due from the client. */
void watch_nothing(struct web_request *request);
