/* A queue between shards' threads. */
#include "command-svc/returns.h"

#include "command-svc/reactor.h"

void returns_init(struct returns *returns)
{
    *returns = (struct returns){.queue = {0}};
    pthread_mutex_init(&returns->mutex, NULL);
}

void returns_done(struct returns *returns)
{
    pthread_mutex_destroy(&returns->mutex);
}

void returns_put(struct returns *returns, struct call *call)
{
    pthread_mutex_lock(&returns->mutex);
    call_push(&returns->queue, call);
    pthread_mutex_unlock(&returns->mutex);
}

size_t returns_take(struct returns *returns)
{
    struct call *call;

    pthread_mutex_lock(&returns->mutex);
    struct call_queue taken = returns->queue;
    returns->queue = (struct call_queue){0};
    pthread_mutex_unlock(&returns->mutex);
    size_t count = taken.count;
    while ((call = call_pop(&taken)) != NULL)
        reactor_take(call);
    return count;
}
