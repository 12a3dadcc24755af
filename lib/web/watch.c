/* A look at all connections now and then. The lock keeps those it sees from being closed meanwhile,
 * and their sockets from being somebody else's. */
#include "lib/web/watch.h"

#include "lib/core/clock.h"
#include "lib/core/condition.h"

#include <errno.h>
#include <sys/socket.h>

#define LOOK_US 500000

void watch_until(struct web_request *request, int64_t boot_us)
{
    atomic_store_explicit(&request->overdue_boot_us, boot_us, memory_order_relaxed);
}

void watch_nothing(struct web_request *request)
{
    watch_until(request, INT64_MAX);
}

/* What is read from a socket that is shut down is its end: the library then closes it. */
static void end_if_overdue(struct web_request *request, int64_t boot_us)
{
    if (atomic_load_explicit(&request->overdue_boot_us, memory_order_relaxed) > boot_us)
        return;
    watch_nothing(request);
    (void)shutdown(request->socket, SHUT_RDWR);
}

static void *run(void *self)
{
    struct web_server *server = self;

    pthread_mutex_lock(&server->lock);
    while (!server->watch.stopping) {
        struct timespec until = condition_deadline(LOOK_US);
        if (pthread_cond_timedwait(&server->watch.stop, &server->lock, &until) != ETIMEDOUT)
            continue;
        int64_t boot_us = clock_boot_us();
        for (struct web_request *at = server->requests; at != NULL; at = at->next)
            end_if_overdue(at, boot_us);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

bool watch_start(struct web_server *server, struct error *error)
{
    condition_init(&server->watch.stop);
    int failed = pthread_create(&server->watch.thread, NULL, run, server);
    if (failed == 0)
        return true;
    pthread_cond_destroy(&server->watch.stop);
    return error_set(error, FAULT_IO_FAILED, "a thread for a server: error %d", failed);
}

void watch_stop(struct web_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->watch.stopping = true;
    pthread_cond_signal(&server->watch.stop);
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->watch.thread, NULL);
    pthread_cond_destroy(&server->watch.stop);
}
