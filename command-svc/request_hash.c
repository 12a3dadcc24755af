/* A hash (BLAKE2b) of a request. */
#include "command-svc/request_hash.h"

#include "lib/record/json.h"
#include <assert.h>
#include <sodium.h>
#include <string.h>

#define REQUEST_SIZE_MAX (64 * 1024)

void request_hash_prepare(void)
{
    int outcome = sodium_init();
    assert(outcome >= 0);
}

void request_hash_key_derive(const char *secret, struct request_hash_key *ret_key)
{
    static const unsigned char purpose[] = "sijang request hash 1";
    crypto_auth_hmacsha256_state state;

    _Static_assert(sizeof(ret_key->bytes) == crypto_auth_hmacsha256_BYTES, "one key, one digest");
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, purpose, sizeof(purpose));
    crypto_auth_hmacsha256_final(&state, ret_key->bytes);
}

bool request_hash(struct call *call, const struct request_hash_key *key)
{
    struct buffer request;

    buffer_init(&request, REQUEST_SIZE_MAX);
    json_write(call->command->input, call->input, &request);
    bool fits = !request.failed;
    if (fits)
        crypto_generichash(call->request_hash, sizeof(call->request_hash), request.bytes,
                           request.size, key == NULL ? NULL : key->bytes,
                           key == NULL ? 0 : sizeof(key->bytes));
    buffer_done(&request);
    return fits;
}
