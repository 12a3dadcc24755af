/* Given-when-then for the pure rooms of projector. */
#include "tests/support/view_scenario.h"

#include "schemas/contexts.h"
#include <assert.h>
#include <string.h>

static const struct view *view;
static int64_t version;
static _Alignas(16) uint8_t row[1024];

static struct text *row_key(void)
{
    return (void *)(row + record_find_field(view->row, view->key)->offset);
}

void view_begin(const struct view *begun)
{
    assert(begun->row->size <= sizeof(row));
    view = begun;
    version = 0;
    memset(row, 0, sizeof(row));
    if (view->row->defaults != NULL)
        memcpy(row, view->row->defaults, view->row->size);
    *row_key() = text_of(SCENARIO_SUBJECT);
}

static struct view_event event_of(const struct record *record, const void *value, int64_t number)
{
    const struct context *context = context_find(view->contexts[0]);
    int kind = 0;
    while (context->events[kind] != record)
        kind++;
    return (struct view_event){
        .context = context->name,
        .kind = kind,
        .value = value,
        .subject = text_of(SCENARIO_SUBJECT),
        .version = number,
    };
}

void view_given(const struct record *record, const void *value)
{
    struct view_event event = event_of(record, value, version + 1);
    struct view_keys keys;
    bool has_keys = view->keys(&event, &keys);
    assert(has_keys && keys.count == 1 && text_is(keys.keys[0], SCENARIO_SUBJECT));
    enum view_outcome outcome = view->apply(row, &event);
    assert(outcome == VIEW_APPLIED);
    version++;
}

enum view_outcome view_when(const struct record *record, const void *value, int64_t number)
{
    struct view_event event = event_of(record, value, number);
    return view->apply(row, &event);
}

const void *view_row(void)
{
    assert(text_is(*row_key(), SCENARIO_SUBJECT));
    return row;
}
