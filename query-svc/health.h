/* Whether questions can be answered, for /ready and for the log. */
#pragma once

#include "query-svc/service.h"

/* For web_probes: questions reach the database, and positions were read lately. */
bool health_ready(void *service, struct buffer *out);
/* Logs when the database is lost and when it is back; returns when it is time to stop. */
void health_watch(struct query_service *service);
