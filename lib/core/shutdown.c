/* The signals arrive on a descriptor, a request through another; both stay readable once set, so
 * that every waiter sees them. */
#include "lib/core/shutdown.h"

#include "lib/core/clock.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int signals_fd = -1;
static int request_fd = -1;
static atomic_bool requested;

void shutdown_prepare(void)
{
    assert(signals_fd < 0);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    int outcome = sigaction(SIGPIPE, &ignore, NULL);
    assert(outcome == 0);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    outcome = pthread_sigmask(SIG_BLOCK, &signals, NULL);
    assert(outcome == 0);
    signals_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    request_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(signals_fd >= 0 && request_fd >= 0);
}

void shutdown_request(void)
{
    assert(request_fd >= 0);
    if (atomic_exchange(&requested, true))
        return;
    ssize_t written = write(request_fd, &(uint64_t){1}, sizeof(uint64_t));
    assert(written == sizeof(uint64_t));
}

static int left_ms(int64_t deadline_us)
{
    int64_t left_us = deadline_us - clock_boot_us();
    return left_us <= 0 ? 0 : (int)((left_us + 999) / 1000);
}

bool shutdown_wait(int timeout_ms)
{
    assert(request_fd >= 0);
    int64_t deadline_us = clock_boot_us() + (int64_t)timeout_ms * 1000;
    struct pollfd waits[] = {
        {.fd = signals_fd, .events = POLLIN},
        {.fd = request_fd, .events = POLLIN},
    };
    while (!atomic_load(&requested)) {
        int wait_ms = timeout_ms < 0 ? -1 : left_ms(deadline_us);
        int ready = poll(waits, 2, wait_ms);
        assert(ready >= 0 || errno == EINTR);
        if (ready > 0 && (waits[0].revents & POLLIN) != 0)
            shutdown_request();
        else if (ready == 0 && wait_ms == 0)
            return false;
    }
    return true;
}
