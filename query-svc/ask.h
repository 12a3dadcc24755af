/* From a question to its answer: authenticate, validate, wait if asked, read, answer. */
#pragma once

#include "lib/web/server.h"

/* The handler of every question's route; `constant` is its struct question. */
void ask_handle(struct web_request *request, const void *constant);
/* The same of its live path. */
void ask_live(struct web_request *request, const void *constant);
