/* A hash (BLAKE2b) of a request. */
#include "command-svc/request_hash.h"

#include "lib/record/json.h"
#include <sodium.h>

#define REQUEST_SIZE_MAX (64 * 1024)

bool request_hash(struct call *call, const char *secret)
{
    struct buffer request;

    buffer_init(&request, REQUEST_SIZE_MAX);
    json_write(call->command->input, call->input, &request);
    bool fits = !request.failed;
    if (fits)
        crypto_generichash(call->request_hash, sizeof(call->request_hash), request.bytes,
                           request.size, (const unsigned char *)secret,
                           secret == NULL ? 0 : crypto_generichash_KEYBYTES);
    buffer_done(&request);
    return fits;
}
