/* LMDB writes with pwrite alone; ids and spans are drawn from getrandom. */
#include "tests/simulation/kernel.h"

#include "tests/simulation/chance.h"
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum kernel_disk disk_now;
static struct chance random_now;

void kernel_set_disk(enum kernel_disk disk)
{
    disk_now = disk;
}

void kernel_seed(uint64_t seed)
{
    random_now.state = seed;
}

static int grows(int descriptor, size_t size, off_t offset)
{
    struct stat status;

    return fstat(descriptor, &status) != 0 || offset + (off_t)size > status.st_size;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset)
{
    if (disk_now == KERNEL_DISK_DEAD ||
        (disk_now == KERNEL_DISK_FULL && grows(descriptor, size, offset))) {
        errno = ENOSPC;
        return -1;
    }
    return (ssize_t)syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}

ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    unsigned char *at = bytes;

    (void)flags;
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)chance_draw(&random_now, 256);
    return (ssize_t)size;
}
