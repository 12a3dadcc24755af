/* The kernel's generator, straight or through a pool per thread. */
#include "lib/core/random.h"

#include "lib/core/id.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define POOL_SIZE 1024

struct random_pool {
    unsigned char bytes[POOL_SIZE];
    size_t left;
};

static _Thread_local struct random_pool pool;

void random_fill(void *bytes, size_t size)
{
    unsigned char *at = bytes;
    while (size > 0) {
        ssize_t count = getrandom(at, size, 0);
        assert(count > 0 || errno == EINTR);
        if (count <= 0)
            continue;
        at += count;
        size -= (size_t)count;
    }
}

void random_take(void *bytes, size_t size)
{
    assert(size <= POOL_SIZE);
    if (pool.left < size) {
        random_fill(pool.bytes, POOL_SIZE);
        pool.left = POOL_SIZE;
    }
    pool.left -= size;
    memcpy(bytes, pool.bytes + pool.left, size);
}
