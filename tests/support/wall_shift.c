/* Preloaded into a process, it makes the process's wall clock jump: by as many microseconds as the
 * file says that WALL_SHIFT_FILE names, from one moment to the next. The monotonic clocks go on, as
 * they do when somebody sets a machine's clock. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS    INT64_C(1000000000)
#define WALL_S_LEAST 1000000000 /* no monotonic clock is that far */

static const volatile int64_t *shift_us;

__attribute__((constructor)) static void find_shift(void)
{
    const char *path = getenv("WALL_SHIFT_FILE");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof(*shift_us), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        shift_us = mapped;
}

static struct timespec shifted(struct timespec at, int64_t by_us)
{
    int64_t ns = at.tv_sec * SECOND_NS + at.tv_nsec + by_us * 1000;

    return (struct timespec){.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS};
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    long failed = syscall(SYS_clock_gettime, clock, ret_time);

    if (failed == 0 && shift_us != NULL &&
        (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        *ret_time = shifted(*ret_time, *shift_us);
    return (int)failed;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    struct timespec now;
    (void)zone;

    clock_gettime(CLOCK_REALTIME, &now);
    *ret_time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret_time)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time != NULL)
        *ret_time = now.tv_sec;
    return now.tv_sec;
}

/* The kernel's wall clock has not jumped: it waits until the moment that is meant. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    static int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    struct timespec meant = *until;

    if (next == NULL)
        *(void **)&next = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    if (shift_us != NULL && until->tv_sec >= WALL_S_LEAST)
        meant = shifted(*until, -*shift_us);
    return next(condition, mutex, &meant);
}
