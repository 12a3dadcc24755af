/* The life of events in a lane's reactions. */
#include "command-svc/reactor.h"

#include "command-svc/metrics.h"
#include "command-svc/reactor_records.h"
#include "command-svc/reactor_steps.h"
#include "lib/core/logger.h"
#include <assert.h>
#include <stdlib.h>

#define WINDOW_MAX     256
#define VISITED_A_TURN 1024
#define READ_RETRY_US  1000000
#define CHECKPOINT_US  1000000

/* take */

struct taking {
    struct runner *runner;
    size_t visited;
    struct error *error;
    bool failed;
};

static bool wants(const struct reaction *reaction, const struct record *record)
{
    for (const struct record *const *r = reaction->events; *r != NULL; r++)
        if (*r == record)
            return true;
    return false;
}

/* *ret_wanted is false if the reaction has nothing to do with the event. */
static bool fill_item(struct taking *taking, struct reaction_item *item, struct text stored,
                      bool *ret_wanted)
{
    const struct runner *runner = taking->runner;
    const struct store *store = &runner->reactor->lane->store;
    bool parked;

    if (!store_find_event(store, stored, &item->arena, &item->source, taking->error))
        return false;
    *ret_wanted = wants(runner->reaction, item->source.record);
    if (!*ret_wanted)
        return true;
    if (!store_is_parked(store, runner->reaction->name, item->source.id, &parked, taking->error))
        return false;
    if (!reaction_item_react(item, runner->reaction))
        return error_set(taking->error, FAULT_OUT_OF_MEMORY, "reacting");
    if (parked)
        reaction_item_fail(item, NULL, "follows");
    return true;
}

static bool take_one(void *self, int64_t place, struct text stored)
{
    struct taking *taking = self;
    struct runner *runner = taking->runner;
    struct reaction_item *item;
    bool wanted;

    if (runner->window.count == WINDOW_MAX || taking->visited++ == VISITED_A_TURN)
        return false;
    item = reaction_item_create(runner, place);
    if (item == NULL || !fill_item(taking, item, stored, &wanted)) {
        taking->failed = true;
        if (item == NULL)
            error_set(taking->error, FAULT_OUT_OF_MEMORY, "taking an event");
        else
            reaction_item_destroy(item);
        return false;
    }
    runner->cursor = place + 1;
    if (wanted)
        reaction_window_push(&runner->window, item);
    else
        reaction_item_destroy(item);
    return true;
}

static void take_events(struct runner *runner, int64_t boot_us)
{
    struct error error;
    struct taking taking = {.runner = runner, .error = &error};

    if (!runner->more || runner->window.count == WINDOW_MAX || boot_us < runner->read_boot_us)
        return;
    runner->more = false;
    if (!triggers_visit(&runner->reactor->lane->store, runner->cursor, take_one, &taking, &error) ||
        taking.failed) {
        log_error("reaction_not_read", LOG_STRING("reaction", runner->reaction->name),
                  LOG_ERROR(&error));
        runner->read_boot_us = boot_us + READ_RETRY_US;
        runner->more = true;
    } else if (runner->window.count == WINDOW_MAX || taking.visited > VISITED_A_TURN) {
        runner->more = true;
    }
}

/* Parked before: no mark waits for it. */
static bool take_parked(void *self, const struct parked_row *row)
{
    struct taking *taking = self;
    struct runner *runner = taking->runner;

    const struct reaction_order *order = &runner->order;

    if (runner->window.count == WINDOW_MAX ||
        (order->sender[0] != '\0' && !text_is(row->sender, order->sender)))
        return false;
    struct reaction_item *item = reaction_item_create(runner, row->place);
    if (item == NULL)
        return false;
    bool ok = store_find_event(&runner->reactor->lane->store, row->event, &item->arena,
                               &item->source, taking->error) &&
              (order->discard || reaction_item_react(item, runner->reaction));
    if (!ok || (order->version > 0 && item->source.event.version != order->version)) {
        reaction_item_destroy(item);
        return ok;
    }
    item->released = true;
    reaction_window_push(&runner->window, item);
    return true;
}

static bool is_retrying(const struct runner *runner)
{
    for (const struct reaction_item *item = runner->window.first; item != NULL; item = item->next)
        if (item->released)
            return true;
    return false;
}

void reactor_order(struct reactor *reactor, const struct reaction_order *order)
{
    struct error error;

    if (reactor == NULL || !reactor->started)
        return;
    struct runner *runner = &reactor->runners[order->reaction];
    struct taking taking = {.runner = runner, .error = &error};
    if (is_retrying(runner))
        return; /* the order before is still being followed */
    struct park_visit visit = {
        .reaction = runner->reaction->name,
        .sender = text_of(order->sender[0] == '\0' ? NULL : order->sender),
        .visit = take_parked,
        .self = &taking,
    };
    runner->order = *order;
    if (!parks_visit(&reactor->lane->store, &visit, &error))
        log_error("parks_not_read", LOG_ERROR(&error));
    reactor->awake = true;
}

/* end */

static void park(struct runner *runner, struct reaction_item *item)
{
    struct error error;

    if (!reactor_append_park(runner, item, &error))
        return; /* tried again in the next turn */
    metric_add(&metric_reaction_parked, 1);
    log_warning("reaction_parked", LOG_STRING("reaction", runner->reaction->name),
                LOG_TEXT("key", item->source.id),
                LOG_STRING("step", item->failed_step == NULL ? "" : item->failed_step),
                LOG_STRING("reason", item->reason));
}

/* A parked event that fails again stays parked. */
static bool is_released(struct runner *runner, const struct reaction_item *item)
{
    struct error error;

    if (item->outstanding > 0 || (item->undone > 0 && !item->failing))
        return false;
    if (item->failing)
        return true;
    if (!reactor_append_release(runner, item, &error))
        return false;
    metric_add(&metric_reaction_released, 1);
    return true;
}

static bool is_over(struct runner *runner, const struct reaction_item *item)
{
    if (item->released)
        return is_released(runner, item);
    if (item->failing)
        return item->park_token != 0 && runner->reactor->lane->acknowledged >= item->park_token;
    return item->undone == 0 && item->outstanding == 0;
}

static void end_items(struct runner *runner)
{
    for (struct reaction_item *item = runner->window.first; item != NULL; item = item->next)
        if (item->failing && !item->released && item->outstanding == 0 && item->park_token == 0)
            park(runner, item);
    while (runner->window.first != NULL && is_over(runner, runner->window.first)) {
        if (runner->window.count == WINDOW_MAX)
            runner->more = true;
        reaction_item_destroy(reaction_window_pop(&runner->window));
    }
    const struct reaction_item *first = runner->window.first;
    while (first != NULL && first->released)
        first = first->next;
    runner->mark = first == NULL ? runner->cursor : first->place;
}

/* turn */

static void checkpoint_if_due(struct reactor *reactor, int64_t boot_us)
{
    struct error error;
    bool moved = false;

    for (size_t i = 0; i < reactor->runner_count; i++)
        moved = moved || reactor->runners[i].mark > reactor->runners[i].written;
    if (!moved || boot_us < reactor->checkpoint_boot_us)
        return;
    reactor->checkpoint_boot_us = boot_us + CHECKPOINT_US;
    if (!reactor_append_checkpoint(reactor, &error))
        log_warning("checkpoint_not_written", LOG_ERROR(&error));
}

void reactor_turn(struct reactor *reactor, int64_t boot_us)
{
    if (reactor == NULL || !reactor->serving ||
        log_partition_state(reactor->lane->log) != LOG_SERVING ||
        (!reactor->awake && boot_us < reactor->turn_boot_us))
        return;
    reactor->awake = false;
    reactor->turn_boot_us = boot_us + RETRY_MIN_US / 2;
    if (!reactor->started)
        reactor_serving(reactor);
    for (size_t i = 0; reactor->started && i < reactor->runner_count; i++) {
        struct runner *runner = &reactor->runners[i];
        take_events(runner, boot_us);
        for (struct reaction_item *item = runner->window.first; item != NULL; item = item->next)
            if (!item->released || reaction_item_may_retry(&runner->window, item))
                reactor_run_item(runner, item, boot_us);
        end_items(runner);
    }
    if (reactor->started)
        checkpoint_if_due(reactor, boot_us);
}

size_t reactor_open(const struct reactor *reactor)
{
    size_t count = 0;

    for (size_t i = 0; reactor != NULL && i < reactor->runner_count; i++)
        count += reactor->runners[i].window.count;
    return count;
}

void reactor_flushed(struct reactor *reactor)
{
    if (reactor == NULL)
        return;
    reactor->awake = true;
    for (size_t i = 0; i < reactor->runner_count; i++)
        reactor->runners[i].more = true;
}

/* life */

static bool start_runner(struct runner *runner, bool *ret_new, struct error *error)
{
    const struct lane *lane = runner->reactor->lane;
    bool found;

    if (!store_find_mark(&lane->store, runner->reaction->name, &runner->mark, &found, error))
        return false;
    if (!found)
        runner->mark = runner->reaction->from == REACTION_FROM_NOW ? lane_next_place(lane) : 0;
    *ret_new = *ret_new || !found;
    runner->cursor = runner->written = runner->mark;
    runner->more = true;
    return true;
}

void reactor_serving(struct reactor *reactor)
{
    struct error error;
    bool new = false, ok = true;

    if (reactor == NULL)
        return;
    reactor->serving = reactor->awake = true;
    for (size_t i = 0; ok && i < reactor->runner_count; i++)
        ok = start_runner(&reactor->runners[i], &new, &error);
    reactor->started = ok && (!new || reactor_append_checkpoint(reactor, &error));
    if (!reactor->started)
        log_warning("reactions_not_started", LOG_ERROR(&error));
}

static void forget(struct runner *runner)
{
    while (runner->window.first != NULL) {
        struct reaction_item *item = reaction_window_pop(&runner->window);
        item->orphaned = true;
        if (item->outstanding == 0)
            reaction_item_destroy(item);
    }
}

void reactor_deposed(struct reactor *reactor)
{
    if (reactor == NULL)
        return;
    reactor->serving = reactor->started = false;
    for (size_t i = 0; i < reactor->runner_count; i++)
        forget(&reactor->runners[i]);
}

bool reactor_create(struct lane *lane, const struct reactor_port *port,
                    struct reactor **ret_reactor, struct error *error)
{
    const struct reaction *const *reactions = lane->store.context->reactions;

    *ret_reactor = NULL;
    if (reactions == NULL)
        return true;
    struct reactor *reactor = calloc(1, sizeof(*reactor));
    if (reactor == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "reactions");
    reactor->lane = lane;
    reactor->port = port;
    for (; *reactions != NULL; reactions++) {
        assert(reactor->runner_count < RUNNERS_MAX);
        reactor->runners[reactor->runner_count++] =
            (struct runner){.reactor = reactor, .reaction = *reactions};
    }
    *ret_reactor = reactor;
    return true;
}

struct reactor *reactor_destroy(struct reactor *reactor)
{
    reactor_deposed(reactor);
    free(reactor);
    return NULL;
}
