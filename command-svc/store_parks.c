/* Four rows a parked event: "k" reaction, sender → how many; "e" reaction, sender, place → the
 * event's key; "w" the same → step, NUL, reason; "i" reaction, event id → place. */
#include "command-svc/store_parks.h"

#include "command-svc/store_keys.h"
#include <string.h>

#define WORD_SIZE_MAX 200                   /* of step and reason */
#define PLACE_SIZE    (1 + sizeof(int64_t)) /* NUL and the number, at the end of a key */

static bool count_key(struct text reaction, struct text key, struct store_key *ret_key,
                      struct error *error)
{
    return store_key_park("k", reaction, key, ret_key, error);
}

static bool event_key(struct text reaction, const struct uuid *event_id, struct store_key *ret_key,
                      struct error *error)
{
    struct text id = {(const char *)event_id->bytes, sizeof(event_id->bytes)};

    return store_key_park("i", reaction, id, ret_key, error);
}

/* From the "e" row's key. */
static struct store_key why_key(const struct store_key *place)
{
    struct store_key key = *place;

    key.bytes[0] = 'w';
    return key;
}

static size_t put_word(struct text word, char out[static WORD_SIZE_MAX])
{
    size_t size = word.size < WORD_SIZE_MAX ? word.size : WORD_SIZE_MAX;

    if (size > 0)
        memcpy(out, word.bytes, size);
    return size;
}

static bool put_why(const struct store *store, const struct store_key *place,
                    const struct park *park, struct error *error)
{
    struct store_key key = why_key(place);
    char why[2 * WORD_SIZE_MAX + 1];
    size_t size = put_word(park->step, why);

    why[size++] = '\0';
    size += put_word(park->reason, why + size);
    return index_put(store->index, INDEX_PARKS, store_key_text(&key), (struct text){why, size},
                     error);
}

static bool remove_why(const struct store *store, const struct store_key *place,
                       struct error *error)
{
    struct store_key key = why_key(place);

    return index_put(store->index, INDEX_PARKS, store_key_text(&key), (struct text){.bytes = NULL},
                     error);
}

static bool place_key(struct text reaction, struct text key, int64_t place,
                      struct store_key *ret_key, struct error *error)
{
    return store_key_park("e", reaction, key, ret_key, error) &&
           store_key_add_place(ret_key, place, error);
}

/* 0 if there is none. */
static bool find_number(const struct store *store, const struct store_key *key, int64_t *ret_number,
                        struct error *error)
{
    struct text stored;

    *ret_number = 0;
    if (!index_find(store->index, INDEX_PARKS, store_key_text(key), &stored, error))
        return false;
    if (stored.size == sizeof(*ret_number))
        memcpy(ret_number, stored.bytes, sizeof(*ret_number));
    return true;
}

static bool put_number(const struct store *store, const struct store_key *key, int64_t number,
                       struct error *error)
{
    struct text value = {(const char *)&number, sizeof(number)};

    if (number == 0)
        value = (struct text){.bytes = NULL};
    return index_put(store->index, INDEX_PARKS, store_key_text(key), value, error);
}

static bool add(const struct store *store, const struct store_key *key, int64_t amount,
                struct error *error)
{
    int64_t number;

    return find_number(store, key, &number, error) &&
           put_number(store, key, number + amount, error);
}

bool store_is_parked(const struct store *store, const char *reaction, struct text key,
                     bool *ret_parked, struct error *error)
{
    struct store_key count;
    int64_t number;

    if (!count_key(text_of(reaction), key, &count, error) ||
        !find_number(store, &count, &number, error))
        return false;
    *ret_parked = number > 0;
    return true;
}

bool store_stage_park(const struct store *store, const struct park *park, struct error *error)
{
    struct store_key trigger, place, count, event;
    struct text found, stored;
    struct uuid event_id;

    if (!uuid_parse(park->event_id, &event_id))
        return error_set(error, FAULT_DATA_CORRUPT, "a park of no event");
    if (!store_key_trigger(park->event_offset, &trigger, error) ||
        !place_key(park->reaction, park->key, park->event_offset, &place, error) ||
        !count_key(park->reaction, park->key, &count, error) ||
        !event_key(park->reaction, &event_id, &event, error) ||
        !index_find(store->index, INDEX_PARKS, store_key_text(&place), &found, error) ||
        !index_find(store->index, INDEX_TRIGGERS, store_key_text(&trigger), &stored, error))
        return false;
    if (found.bytes != NULL || stored.bytes == NULL)
        return true; /* known, or of a reaction that this version does not have */
    char bytes[INDEX_KEY_SIZE_MAX];
    size_t size = stored.size < sizeof(bytes) ? stored.size : sizeof(bytes);
    memcpy(bytes, stored.bytes, size);
    return index_put(store->index, INDEX_PARKS, store_key_text(&place), (struct text){bytes, size},
                     error) &&
           put_why(store, &place, park, error) &&
           put_number(store, &event, park->event_offset, error) && add(store, &count, 1, error);
}

bool store_stage_release(const struct store *store, const struct release *release,
                         struct error *error)
{
    struct store_key place, count, event;
    struct uuid event_id;
    int64_t number;

    if (!uuid_parse(release->event_id, &event_id))
        return error_set(error, FAULT_DATA_CORRUPT, "a release of no event");
    if (!event_key(release->reaction, &event_id, &event, error) ||
        !find_number(store, &event, &number, error))
        return false;
    if (number == 0)
        return true;
    return place_key(release->reaction, release->key, number, &place, error) &&
           count_key(release->reaction, release->key, &count, error) &&
           index_put(store->index, INDEX_PARKS, store_key_text(&place),
                     (struct text){.bytes = NULL}, error) &&
           remove_why(store, &place, error) && put_number(store, &event, 0, error) &&
           add(store, &count, -1, error);
}

struct visiting {
    const struct store *store;
    const struct park_visit *visit;
    size_t sender_begins; /* in keys */
    struct error *error;
    bool failed;
};

static struct text up_to_nul(struct text *rest)
{
    const char *nul = rest->size == 0 ? NULL : memchr(rest->bytes, '\0', rest->size);
    struct text word = {rest->bytes, nul == NULL ? rest->size : (size_t)(nul - rest->bytes)};
    size_t taken = nul == NULL ? word.size : word.size + 1;

    rest->bytes += taken;
    rest->size -= taken;
    return word;
}

static bool find_why(const struct visiting *visiting, struct text key, struct parked_row *row)
{
    struct store_key place = {.size = key.size};
    struct text why;

    memcpy(place.bytes, key.bytes, key.size);
    place = why_key(&place);
    if (!index_find(visiting->store->index, INDEX_PARKS, store_key_text(&place), &why,
                    visiting->error))
        return false;
    row->step = why.bytes == NULL ? text_of("") : up_to_nul(&why);
    row->reason = why.bytes == NULL ? text_of("") : why;
    return true;
}

static bool visit_parked(void *self, struct text key, struct text value)
{
    struct visiting *visiting = self;
    struct parked_row row;
    struct text newest;
    char event[INDEX_KEY_SIZE_MAX];
    (void)value;

    if (!store_key_read_place(key, &row.place) || key.size > INDEX_KEY_SIZE_MAX ||
        key.size < visiting->sender_begins + PLACE_SIZE)
        return true;
    row.sender = (struct text){key.bytes + visiting->sender_begins,
                               key.size - visiting->sender_begins - PLACE_SIZE};
    visiting->failed =
        !index_find(visiting->store->index, INDEX_PARKS, key, &newest, visiting->error);
    if (visiting->failed || newest.bytes == NULL)
        return !visiting->failed;
    row.event = (struct text){event, newest.size < sizeof(event) ? newest.size : sizeof(event)};
    memcpy(event, newest.bytes, row.event.size);
    visiting->failed = !find_why(visiting, key, &row);
    return !visiting->failed && visiting->visit->visit(visiting->visit->self, &row);
}

bool parks_visit(const struct store *store, const struct park_visit *visit, struct error *error)
{
    struct visiting visiting = {.store = store, .visit = visit, .error = error};
    struct text reaction = text_of(visit->reaction);
    struct store_key prefix, from = {.size = 0};

    if (!store_key_park("e", reaction, (struct text){.bytes = NULL}, &prefix, error))
        return false;
    visiting.sender_begins = prefix.size;
    if (visit->sender.bytes != NULL &&
        !place_key(reaction, visit->sender, visit->place, &from, error))
        return false;
    struct index_scan scan = {
        .prefix = store_key_text(&prefix),
        .from = store_key_text(&from),
        .visit = visit_parked,
        .self = &visiting,
    };
    return index_scan(store->index, INDEX_PARKS, &scan, error) && !visiting.failed;
}
