/* Keys of the index. */
#include "command-svc/store_keys.h"

#include <string.h>

#define NUMBER_SIZE 8

static bool key_put(struct store_key *key, const void *bytes, size_t size, struct error *error)
{
    if (size > sizeof(key->bytes) - key->size)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "an id is too long for the index");
    if (size > 0)
        memcpy(key->bytes + key->size, bytes, size);
    key->size += size;
    return true;
}

static bool key_put_number(struct store_key *key, int64_t number, struct error *error)
{
    uint8_t big_endian[NUMBER_SIZE];

    for (int i = 0; i < NUMBER_SIZE; i++)
        big_endian[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    return key_put(key, big_endian, sizeof(big_endian), error);
}

static bool key_put_root(struct store_key *key, const char *aggregate, struct text id,
                         struct error *error)
{
    return key_put(key, aggregate, strlen(aggregate), error) && key_put(key, "/", 1, error) &&
           key_put(key, id.bytes, id.size, error);
}

bool store_key_root(const char *aggregate, struct text id, struct store_key *ret_key,
                    struct error *error)
{
    ret_key->size = 0;
    return key_put_root(ret_key, aggregate, id, error);
}

bool store_key_part(const char *aggregate, struct text id, struct text part_id,
                    struct store_key *ret_key, struct error *error)
{
    return store_key_root(aggregate, id, ret_key, error) && key_put(ret_key, "", 1, error) &&
           key_put(ret_key, part_id.bytes, part_id.size, error);
}

bool store_key_event(const char *aggregate, struct text id, int64_t version,
                     struct store_key *ret_key, struct error *error)
{
    return store_key_root(aggregate, id, ret_key, error) && key_put(ret_key, "", 1, error) &&
           key_put_number(ret_key, version, error);
}

bool store_key_deadline(const char *aggregate, struct text id, const char *name,
                        struct store_key *ret_key, struct error *error)
{
    ret_key->size = 0;
    return key_put(ret_key, STORE_KEY_NAMED, 1, error) &&
           key_put_root(ret_key, aggregate, id, error) && key_put(ret_key, "", 1, error) &&
           key_put(ret_key, name, strlen(name), error);
}

bool store_key_due(int64_t due_us, const struct store_key *deadline, struct store_key *ret_key,
                   struct error *error)
{
    ret_key->size = 0;
    return key_put(ret_key, STORE_KEY_DUE, 1, error) &&
           key_put_number(ret_key, due_us < 0 ? 0 : due_us, error) &&
           key_put(ret_key, deadline->bytes + 1, deadline->size - 1, error);
}

static int64_t read_number(const char *big_endian)
{
    uint64_t number = 0;

    for (size_t i = 0; i < NUMBER_SIZE; i++)
        number = number << 8 | (uint8_t)big_endian[i];
    return (int64_t)number;
}

/* "<aggregate>/<id>", NUL, and what is left. */
static bool read_root(struct text key, struct text *ret_aggregate, struct text *ret_id,
                      struct text *ret_rest)
{
    const char *slash = memchr(key.bytes, '/', key.size);
    const char *nul = memchr(key.bytes, '\0', key.size);

    if (slash == NULL || nul == NULL || slash > nul)
        return false;
    *ret_aggregate = (struct text){key.bytes, (size_t)(slash - key.bytes)};
    *ret_id = (struct text){slash + 1, (size_t)(nul - slash - 1)};
    *ret_rest = (struct text){nul + 1, key.size - (size_t)(nul + 1 - key.bytes)};
    return true;
}

bool store_key_read_due(struct text key, int64_t *ret_due_us, struct store_deadline_name *ret_name)
{
    if (key.size < 1 + NUMBER_SIZE || key.bytes[0] != STORE_KEY_DUE[0])
        return false;
    *ret_due_us = read_number(key.bytes + 1);
    struct text rest = {key.bytes + 1 + NUMBER_SIZE, key.size - 1 - NUMBER_SIZE};
    return read_root(rest, &ret_name->aggregate, &ret_name->id, &ret_name->deadline);
}

bool store_key_read_event(struct text key, struct store_event_name *ret_name)
{
    struct text version;

    if (!read_root(key, &ret_name->aggregate, &ret_name->id, &version) ||
        version.size != NUMBER_SIZE)
        return false;
    ret_name->version = read_number(version.bytes);
    return true;
}

bool store_key_trigger(int64_t place, struct store_key *ret_key, struct error *error)
{
    ret_key->size = 0;
    return key_put(ret_key, STORE_KEY_TRIGGER, 1, error) && key_put_number(ret_key, place, error);
}

bool store_key_read_trigger(struct text key, int64_t *ret_place)
{
    if (key.size != 1 + NUMBER_SIZE)
        return false;
    *ret_place = read_number(key.bytes + 1);
    return true;
}

bool store_key_park(const char *kind, struct text reaction, struct text about,
                    struct store_key *ret_key, struct error *error)
{
    ret_key->size = 0;
    return key_put(ret_key, kind, 1, error) &&
           key_put(ret_key, reaction.bytes, reaction.size, error) &&
           key_put(ret_key, "", 1, error) && key_put(ret_key, about.bytes, about.size, error);
}

bool store_key_add_place(struct store_key *key, int64_t place, struct error *error)
{
    return key_put(key, "", 1, error) && key_put_number(key, place, error);
}

bool store_key_read_place(struct text key, int64_t *ret_place)
{
    if (key.size < NUMBER_SIZE)
        return false;
    *ret_place = read_number(key.bytes + key.size - NUMBER_SIZE);
    return true;
}

struct text store_key_text(const struct store_key *key)
{
    return (struct text){.bytes = key->bytes, .size = key->size};
}
