/* A question's input, from the path and the query string, checked by its field table. */
#pragma once

#include "lib/web/server.h"
#include "query-svc/question.h"

/* From the request's arena. NULL: answered already. */
const void *input_read(struct web_request *request, const struct question *question);
