/* UUIDs as in RFC 9562. Version 7 fills rand_a and the head of rand_b with a counter (section 6.2,
 * method 1) that starts anew, at random, each millisecond. */
#include "lib/core/id.h"

#include "lib/core/clock.h"
#include "lib/core/hex.h"
#include "lib/core/random.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#define COUNTER_BITS 26 /* 12 in rand_a, 14 in rand_b */
#define COUNTER_END  (UINT32_C(1) << COUNTER_BITS)
#define TAIL_SIZE    6 /* random in every draw */

struct v7_state {
    uint64_t ms;
    uint32_t counter;
};

static _Thread_local struct v7_state v7;

static void v7_advance(void)
{
    uint64_t now_ms = (uint64_t)clock_wall_us() / 1000;
    if (now_ms > v7.ms) {
        /* The top bit stays free, so that a busy millisecond does not run out. */
        random_take(&v7.counter, sizeof(v7.counter));
        v7.counter &= COUNTER_END / 2 - 1;
        v7.ms = now_ms;
        return;
    }
    /* The same millisecond, or the clock went back: on from the last id, into the future if need
     * be. */
    v7.counter++;
    if (v7.counter == COUNTER_END) {
        v7.counter = 0;
        v7.ms++;
    }
}

struct uuid uuid_v7(void)
{
    v7_advance();
    struct uuid uuid;
    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(v7.ms >> (40 - 8 * i));
    uuid.bytes[6] = (uint8_t)(0x70 | (v7.counter >> 22));
    uuid.bytes[7] = (uint8_t)(v7.counter >> 14);
    uuid.bytes[8] = (uint8_t)(0x80 | ((v7.counter >> 8) & 0x3f));
    uuid.bytes[9] = (uint8_t)v7.counter;
    random_take(uuid.bytes + 10, TAIL_SIZE);
    return uuid;
}

static pthread_once_t sha1_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha1;

/* Looking an algorithm up by name costs more than hashing an id does. */
static void fetch_sha1(void)
{
    sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    assert(sha1 != NULL);
}

struct uuid uuid_v5(const struct uuid *name_space, const void *name, size_t size)
{
    pthread_once(&sha1_once, fetch_sha1);
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert(context != NULL);
    bool done = EVP_DigestInit_ex(context, sha1, NULL) == 1 &&
                EVP_DigestUpdate(context, name_space->bytes, sizeof(name_space->bytes)) == 1 &&
                EVP_DigestUpdate(context, name, size) == 1 &&
                EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    assert(done);
    struct uuid uuid;
    memcpy(uuid.bytes, digest, sizeof(uuid.bytes));
    uuid.bytes[6] = (uint8_t)(0x50 | (uuid.bytes[6] & 0x0f));
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
    return uuid;
}

static bool hyphen_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void uuid_format(const struct uuid *uuid, char ret_string[static UUID_TEXT_SIZE])
{
    char *at = hex_write(ret_string, uuid->bytes, 4);
    for (size_t i = 4; i < 10; i += 2) {
        *at++ = '-';
        at = hex_write(at, uuid->bytes + i, 2);
    }
    *at++ = '-';
    at = hex_write(at, uuid->bytes + 10, 6);
    *at = '\0';
}

bool uuid_parse(struct text text, struct uuid *ret_uuid)
{
    if (text.bytes == NULL || text.size != UUID_TEXT_SIZE - 1)
        return false;
    struct uuid uuid;
    const char *at = text.bytes;
    bool valid = true;
    for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
        if (hyphen_before(i))
            valid &= *at++ == '-';
        unsigned high = hex_values[(uint8_t)*at++];
        unsigned low = hex_values[(uint8_t)*at++];
        valid &= (high != 0) & (low != 0);
        uuid.bytes[i] = (uint8_t)((high - 1) << 4 | (low - 1));
    }
    if (valid)
        *ret_uuid = uuid;
    return valid;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
