/* Deadlines in the index: set, cleared, settled, and found when due. */
#include "command-svc/store_deadlines.h"

#include "command-svc/reaction.h"
#include <assert.h>
#include <string.h>

static struct text setting_bytes(const struct deadline_setting *setting)
{
    return (struct text){(const char *)setting, sizeof(*setting)};
}

static bool find(const struct store *store, const struct store_key *key,
                 struct deadline_setting *ret_setting, bool *ret_found, struct error *error)
{
    struct text stored;

    *ret_found = false;
    if (!index_find(store->index, INDEX_DEADLINES, store_key_text(key), &stored, error))
        return false;
    if (stored.bytes == NULL)
        return true;
    if (stored.size != sizeof(*ret_setting))
        return error_set(error, FAULT_INDEX_FAILED, "a deadline of %zu bytes", stored.size);
    memcpy(ret_setting, stored.bytes, sizeof(*ret_setting));
    *ret_found = true;
    return true;
}

bool deadline_find(const struct store *store, const struct store_key *key,
                   struct deadline_setting *ret_setting, bool *ret_found, struct error *error)
{
    return find(store, key, ret_setting, ret_found, error);
}

/* Both entries of the deadline; a NULL setting removes them. */
static bool put(const struct store *store, const struct store_key *key, int64_t due_us,
                const struct deadline_setting *setting, struct error *error)
{
    struct text value = {0};
    struct store_key due;

    if (setting != NULL)
        value = setting_bytes(setting);
    return store_key_due(due_us, key, &due, error) &&
           index_put(store->index, INDEX_DEADLINES, store_key_text(key), value, error) &&
           index_put(store->index, INDEX_DEADLINES, store_key_text(&due), value, error);
}

static bool clear(const struct store *store, const struct store_key *key, struct error *error)
{
    struct deadline_setting setting;
    bool found;

    if (!find(store, key, &setting, &found, error))
        return false;
    return !found || put(store, key, setting.due_us, NULL, error);
}

bool deadlines_settle(const struct store *store, const struct aggregate *aggregate, struct text id,
                      const struct uuid *command_id, struct error *error)
{
    struct deadline_setting setting;
    struct store_key key;
    bool found;

    if (aggregate->deadlines == NULL)
        return true;
    for (const struct deadline *d = aggregate->deadlines; d->name != NULL; d++) {
        if (!store_key_deadline(aggregate->name, id, d->name, &key, error) ||
            !find(store, &key, &setting, &found, error))
            return false;
        if (!found)
            continue;
        struct uuid own = deadline_command_id(&setting.event_id, d->name);
        if (uuid_equal(&own, command_id) && !put(store, &key, setting.due_us, NULL, error))
            return false;
    }
    return true;
}

static bool set(const struct store *store, const struct store_key *key,
                const struct recorded_event *event, const struct field *due, struct error *error)
{
    assert(due != NULL && due->kind == FIELD_INTEGER && !due->optional);
    struct deadline_setting setting = {
        .due_us = *(const int64_t *)((const char *)event->value + due->offset),
        .event_id = event->envelope->id,
        .correlation_id = event->envelope->correlation_id,
    };

    return clear(store, key, error) && put(store, key, setting.due_us, &setting, error);
}

bool deadlines_stage(const struct store *store, const struct loaded *loaded,
                     const struct recorded_event *events, size_t count, struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    struct store_key key;

    if (aggregate->deadlines == NULL)
        return true;
    if (!deadlines_settle(store, aggregate, loaded->id, &events[0].envelope->command_id, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct aggregate_event *line = &aggregate->events[events[i].kind];
        const struct record *record = aggregate->event_records[events[i].kind];
        if (line->clears != NULL &&
            (!store_key_deadline(aggregate->name, loaded->id, line->clears, &key, error) ||
             !clear(store, &key, error)))
            return false;
        if (line->sets != NULL &&
            (!store_key_deadline(aggregate->name, loaded->id, line->sets, &key, error) ||
             !set(store, &key, &events[i], record_find_field(record, line->due), error)))
            return false;
    }
    return true;
}

struct visiting {
    const struct store *store;
    const struct due_visit *visit;
    size_t count;
    struct error *error;
    bool failed;
};

static bool find_named(const struct store *store, const struct store_deadline_name *name,
                       struct due_deadline *ret_due)
{
    for (const struct aggregate *const *a = store->context->aggregates; *a != NULL; a++) {
        if (!text_is(name->aggregate, (*a)->name) || (*a)->deadlines == NULL)
            continue;
        for (const struct deadline *d = (*a)->deadlines; d->name != NULL; d++)
            if (text_is(name->deadline, d->name)) {
                *ret_due = (struct due_deadline){.aggregate = *a, .id = name->id, .deadline = d};
                return true;
            }
    }
    return false;
}

static bool visit_due(void *self, struct text key, struct text value)
{
    struct visiting *visiting = self;
    struct store_deadline_name name;
    struct due_deadline due;
    struct text newest;
    int64_t due_us;
    (void)value;

    if (visiting->count++ == visiting->visit->count_max ||
        !store_key_read_due(key, &due_us, &name) || due_us > visiting->visit->until_us)
        return false;
    if (!find_named(visiting->store, &name, &due))
        return true;
    visiting->failed =
        !index_find(visiting->store->index, INDEX_DEADLINES, key, &newest, visiting->error);
    if (visiting->failed)
        return false;
    if (newest.size != sizeof(due.setting))
        return true; /* it is over, which is not flushed yet */
    memcpy(&due.setting, newest.bytes, sizeof(due.setting));
    return visiting->visit->visit(visiting->visit->self, &due);
}

bool deadlines_visit(const struct store *store, const struct due_visit *visit, struct error *error)
{
    struct visiting visiting = {.store = store, .visit = visit, .error = error};
    struct index_scan scan = {
        .prefix = TEXT(STORE_KEY_DUE),
        .visit = visit_due,
        .self = &visiting,
    };

    return index_scan(store->index, INDEX_DEADLINES, &scan, error) && !visiting.failed;
}
