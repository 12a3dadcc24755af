/* schemas/contexts.def as lists of this floor. */
#include "query-svc/contexts.h"
#include "query-svc/ask.h"
#include "query-svc/parked.h"
#include "query-svc/views_list.h"
#include <assert.h>

#define QUESTIONS_MAX 200

#define CONTEXT(name)                                                                              \
    extern const struct question *const name##_queries[];                                          \
    extern const struct view *const name##_views[];
#include "schemas/contexts.def"
#undef CONTEXT

static const struct question *const *const question_lists[] = {
#define CONTEXT(name) name##_queries,
#include "schemas/contexts.def"
#undef CONTEXT
};

static const struct view *const *const view_lists[] = {
#define CONTEXT(name) name##_views,
#include "schemas/contexts.def"
#undef CONTEXT
};

const struct view *const *contexts_views(void)
{
    static const struct view *views[CONTEXT_VIEWS_MAX + 1];
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(view_lists); i++)
        for (const struct view *const *view = view_lists[i]; *view != NULL; view++) {
            assert(count < CONTEXT_VIEWS_MAX);
            views[count++] = *view;
        }
    return views;
}

const struct db_statement *const *contexts_positions(void)
{
    static const struct db_statement *statements[CONTEXT_VIEWS_MAX + 1];
    const struct view *const *views = contexts_views();

    for (size_t i = 0; views[i] != NULL; i++)
        statements[i] = views[i]->positions;
    return statements;
}

const struct db_statement *const *contexts_statements(void)
{
    static const struct db_statement *statements[CONTEXT_STATEMENTS_MAX + 3];
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(question_lists); i++)
        for (const struct question *const *question = question_lists[i]; *question != NULL;
             question++)
            for (size_t s = 0; (*question)->statements[s] != NULL; s++) {
                assert(count < CONTEXT_STATEMENTS_MAX);
                statements[count++] = (*question)->statements[s];
            }
    statements[count++] = &parked_read;
    statements[count++] = &views_list_read;
    return statements;
}

const struct web_route *contexts_routes(void)
{
    static struct web_route routes[QUESTIONS_MAX + 1];
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(question_lists); i++)
        for (const struct question *const *question = question_lists[i]; *question != NULL;
             question++) {
            assert(count < QUESTIONS_MAX);
            routes[count++] =
                (struct web_route){"GET", (*question)->path, ask_handle, *question, 0};
            if ((*question)->live_path == NULL)
                continue;
            assert(count < QUESTIONS_MAX);
            routes[count++] =
                (struct web_route){"GET", (*question)->live_path, ask_live, *question, 0};
        }
    return routes;
}
