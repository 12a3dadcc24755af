/* The rooms' lists, put together: every view, question, statement and path of this process. */
#pragma once

#include "lib/web/server.h"
#include "query-svc/question.h"

#define CONTEXT_VIEWS_MAX      64
#define CONTEXT_STATEMENTS_MAX 400

const struct view *const *contexts_views(void);              /* NULL-terminated */
const struct db_statement *const *contexts_statements(void); /* of questions; NULL-terminated */
const struct db_statement *const *contexts_positions(void);  /* of views; NULL-terminated */
const struct web_route *contexts_routes(void);               /* ended by .method NULL */
