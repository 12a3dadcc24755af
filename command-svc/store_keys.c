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

bool store_key_root(const char *aggregate, struct text id, struct store_key *ret_key,
                    struct error *error)
{
    ret_key->size = 0;
    return key_put(ret_key, aggregate, strlen(aggregate), error) &&
           key_put(ret_key, "/", 1, error) && key_put(ret_key, id.bytes, id.size, error);
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
    uint8_t big_endian[8];

    for (int i = 0; i < 8; i++)
        big_endian[i] = (uint8_t)((uint64_t)version >> (56 - 8 * i));
    return store_key_root(aggregate, id, ret_key, error) && key_put(ret_key, "", 1, error) &&
           key_put(ret_key, big_endian, sizeof(big_endian), error);
}

struct text store_key_text(const struct store_key *key)
{
    return (struct text){.bytes = key->bytes, .size = key->size};
}
