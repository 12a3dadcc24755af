/* "<term>;<left ms>;<until, wall ms>;<command id or ->;<HMAC-SHA256, hex>", the HMAC over method,
 * path and what is before it. */
#include "command-svc/forwarded.h"

#include <sodium.h>
#include <string.h>

#define MAC_TEXT_SIZE (2 * crypto_auth_hmacsha256_BYTES + 1)

const struct problem problem_not_owner = {
    .status = 421,
    .code = "not_owner",
    .title = "Another process owns this partition.",
};
const struct problem problem_forged = {
    .status = 403,
    .code = "forged_header",
    .title = FORWARDED_HEADER " is not for clients.",
};

static const char nothing_drawn[] = "-";

void forwarded_key_derive(const char *secret, struct forwarded_key *ret_key)
{
    static const unsigned char purpose[] = "sijang forwarding 1";
    crypto_auth_hmacsha256_state state;

    _Static_assert(sizeof(ret_key->bytes) == crypto_auth_hmacsha256_BYTES, "one key, one digest");
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, purpose, sizeof(purpose));
    crypto_auth_hmacsha256_final(&state, ret_key->bytes);
}

static void sign(const struct forwarded_key *key, const char *method, const char *path,
                 struct text said, char ret_mac[static MAC_TEXT_SIZE])
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key->bytes, sizeof(key->bytes));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)method, strlen(method) + 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)path, strlen(path) + 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)said.bytes, said.size);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(ret_mac, MAC_TEXT_SIZE, mac, sizeof(mac));
}

char *forwarded_write(const struct forwarded *forwarded, const struct forwarded_key *key,
                      const char *method, const char *path, struct arena *arena)
{
    char id[UUID_TEXT_SIZE], mac[MAC_TEXT_SIZE];

    uuid_format(&forwarded->command_id, id);
    char *said = arena_print(arena, "%lld;%lld;%lld;%s", (long long)forwarded->term,
                             (long long)forwarded->left_ms, (long long)forwarded->until_wall_ms,
                             forwarded->drawn ? id : nothing_drawn);
    if (said == NULL)
        return NULL;
    sign(key, method, path, text_of(said), mac);
    return arena_print(arena, "%s;%s", said, mac);
}

/* Cuts the first piece off. */
static struct text next_piece(struct text *rest)
{
    const char *end = rest->size == 0 ? NULL : memchr(rest->bytes, ';', rest->size);
    struct text piece = *rest;

    if (end == NULL) {
        *rest = (struct text){rest->bytes + rest->size, 0};
        return piece;
    }
    piece.size = (size_t)(end - rest->bytes);
    *rest = (struct text){end + 1, rest->size - piece.size - 1};
    return piece;
}

static bool read_pieces(struct text said, struct forwarded *ret)
{
    struct text term = next_piece(&said), left = next_piece(&said);
    struct text until = next_piece(&said), id = next_piece(&said);

    ret->drawn = !text_is(id, nothing_drawn);
    return text_to_integer(term, &ret->term) && ret->term >= 0 &&
           text_to_integer(left, &ret->left_ms) && ret->left_ms >= 0 &&
           text_to_integer(until, &ret->until_wall_ms) && said.size == 0 &&
           (!ret->drawn || uuid_parse(id, &ret->command_id));
}

bool forwarded_read(struct text value, const struct forwarded_key *key, const char *method,
                    const char *path, struct forwarded *ret)
{
    char mac[MAC_TEXT_SIZE];
    struct forwarded read = {0};

    if (value.size < MAC_TEXT_SIZE || value.bytes[value.size - MAC_TEXT_SIZE] != ';')
        return false;
    struct text said = {value.bytes, value.size - MAC_TEXT_SIZE};
    sign(key, method, path, said, mac);
    if (sodium_memcmp(mac, value.bytes + said.size + 1, MAC_TEXT_SIZE - 1) != 0 ||
        !read_pieces(said, &read))
        return false;
    *ret = read;
    return true;
}
