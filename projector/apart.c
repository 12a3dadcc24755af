/* Views that would hold up the others: each in a worker of its own until it has caught up. */
#include "lib/core/logger.h"
#include "projector/worker.h"

static void remove_view(struct worker *worker, const struct projection *projection)
{
    size_t at = 0;
    while (worker->set.items[at] != projection)
        at++;
    for (worker->set.count--; at < worker->set.count; at++)
        worker->set.items[at] = worker->set.items[at + 1];
}

static struct worker *start_apart(struct worker *home, struct projection *projection,
                                  struct error *error)
{
    struct worker *worker = worker_create(home->config, home->share, 1, error);
    if (worker == NULL)
        return NULL;
    worker->home = home;
    worker_add(worker, projection);
    return worker_start(worker, error) ? worker : worker_destroy(worker);
}

bool worker_send_apart(struct worker *worker, struct projection *projection,
                       const struct error *why)
{
    struct error error = {0};
    if (worker->home != NULL || worker->set.count + worker->apart_count == 1)
        return false;
    projection_forget(projection);
    struct worker *apart = start_apart(worker, projection, &error);
    if (apart == NULL) {
        log_error("view_not_apart", LOG_STRING("view", projection->view->name), LOG_ERROR(&error));
        return false;
    }
    remove_view(worker, projection);
    worker->apart[worker->apart_count++] = apart;
    log_info("view_apart", LOG_STRING("view", projection->view->name), LOG_ERROR(why));
    return true;
}

bool worker_is_done(const struct worker *worker)
{
    if (worker->home == NULL || worker->attempts > 0)
        return false;
    const struct health_report *report = &worker->set.items[0]->report;
    return report->lag_known && report->lag_events <= worker->config->apart_records / 10 &&
           report->halted_count == 0;
}

bool worker_take_back(struct worker *worker)
{
    bool taken = false;
    for (size_t i = worker->apart_count; i-- > 0;) {
        struct worker *apart = worker->apart[i];
        if (!atomic_load(&apart->returned))
            continue;
        struct projection *projection = apart->set.items[0];
        worker->apart[i] = worker->apart[--worker->apart_count];
        (void)worker_destroy(apart);
        projection_forget(projection);
        worker_add(worker, projection);
        log_info("view_back", LOG_STRING("view", projection->view->name));
        taken = true;
    }
    if (taken) /* its statements have to be prepared */
        worker->connection = db_close(worker->connection);
    return taken;
}
