/* Keys of the index. */
#include "command-svc/store_keys.h"

#include <string.h>

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
    uint8_t big_endian[8];

    for (int i = 0; i < 8; i++)
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

bool store_key_read_due(struct text key, int64_t *ret_due_us, struct store_deadline_name *ret_name)
{
    uint64_t due_us = 0;

    if (key.size < 9 || key.bytes[0] != STORE_KEY_DUE[0])
        return false;
    for (size_t i = 1; i < 9; i++)
        due_us = due_us << 8 | (uint8_t)key.bytes[i];
    struct text rest = {key.bytes + 9, key.size - 9};
    const char *slash = memchr(rest.bytes, '/', rest.size);
    const char *nul = memchr(rest.bytes, '\0', rest.size);
    if (slash == NULL || nul == NULL || slash > nul)
        return false;
    const char *end = rest.bytes + rest.size;
    *ret_due_us = (int64_t)due_us;
    *ret_name = (struct store_deadline_name){
        .aggregate = {rest.bytes, (size_t)(slash - rest.bytes)},
        .id = {slash + 1, (size_t)(nul - slash - 1)},
        .deadline = {nul + 1, (size_t)(end - nul - 1)},
    };
    return true;
}

struct text store_key_text(const struct store_key *key)
{
    return (struct text){.bytes = key->bytes, .size = key->size};
}
