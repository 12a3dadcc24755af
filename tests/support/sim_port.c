/* A port as lib/log knows it. */
#include "tests/support/sim_port.h"

#include "lib/log/position.h"
#include <assert.h>
#include <stdlib.h>

struct sim_port *sim_port_of(const struct log_port *port)
{
    return (struct sim_port *)port;
}

static bool sim_open(struct log_port *port, const char *topic, int32_t partition,
                     int32_t *ret_source, struct error *error)
{
    struct sim_port *sim = sim_port_of(port);
    struct sim_log *log = sim_broker_find(sim->broker, topic, partition);
    int32_t source = 0;

    (void)error;
    while (source < sim->source_count && sim->sources[source].log != log)
        source++;
    if (source == sim->source_count) {
        assert(source < SIM_SOURCES_MAX);
        sim->sources[sim->source_count++] = (struct sim_source){.log = log, .seen = log->end};
    }
    *ret_source = source;
    return true;
}

static bool sim_produce(struct log_port *port, int32_t source, const struct log_record *records,
                        size_t count, uint64_t first_token, struct error *error)
{
    struct sim_port *sim = sim_port_of(port);

    assert(source >= 0 && source < sim->source_count);
    if (sim->producer_lost)
        return error_set(error, FAULT_NOT_READY, "no producer");
    if (sim->under_way.count + count > sim->records_max)
        return error_set(error, FAULT_OVERLOADED, "too many records under way");
    for (size_t i = 0; i < count; i++) {
        struct sim_flight flight = {source, first_token + i, sim_record_create(&records[i])};
        if (sim->held)
            sim_queue_push(&sim->under_way, flight);
        else
            sim_port_meet_fate(sim, flight, SIM_DELIVERED);
    }
    return true;
}

static size_t sim_take_reports(struct log_port *port, struct log_report *ret_reports, size_t max)
{
    struct sim_port *sim = sim_port_of(port);
    size_t count = 0;

    while (count < max && sim->reports.count > 0)
        ret_reports[count++] = sim_reports_take(&sim->reports, 0);
    return count;
}

static bool sim_recreate_producer(struct log_port *port, struct error *error)
{
    (void)error;
    sim_port_of(port)->producer_lost = false;
    return true;
}

static uint64_t sim_fetch(struct log_port *port, int32_t source, int64_t offset)
{
    struct sim_port *sim = sim_port_of(port);
    struct sim_source *fetched = &sim->sources[source];

    fetched->fetch = ++sim->fetches;
    fetched->at = offset == LOG_OFFSET_FIRST ? fetched->log->first : offset;
    fetched->end_told = LOG_OFFSET_NONE;
    return fetched->fetch;
}

static void sim_fetch_stop(struct log_port *port, int32_t source)
{
    sim_port_of(port)->sources[source].fetch = 0;
}

int64_t sim_port_visible(const struct sim_port *sim, const struct sim_source *source)
{
    const struct sim_log *log = source->log;
    int64_t end = log->hidden >= 0 && log->hidden < log->end ? log->hidden : log->end;

    return sim->lags && source->seen < end ? source->seen : end;
}

static bool fetch_record(struct sim_port *sim, struct sim_source *source,
                         struct log_message *message)
{
    const struct sim_log *log = source->log;
    int64_t end = sim_port_visible(sim, source);

    while (source->at < end && log->records[source->at]->control)
        source->at++;
    if (source->at >= end)
        return false;
    struct sim_record *copy = sim_record_copy(log->records[source->at]);
    message->kind = LOG_MESSAGE_RECORD;
    message->offset = source->at++;
    message->append_time_us = copy->append_time_us;
    message->key = copy->key;
    message->value = copy->value;
    message->handle = copy;
    sim->messages_out++;
    return true;
}

static bool fetch_one(struct sim_port *sim, int32_t number, struct log_message *ret_message)
{
    struct sim_source *source = &sim->sources[number];
    struct log_message message = {.source = number, .fetch = source->fetch};

    if (source->fetch == 0)
        return false;
    if (source->at < source->log->first || source->at > source->log->end) {
        message.kind = LOG_MESSAGE_OUT_OF_RANGE;
        message.offset = source->at;
        source->fetch = 0;
    } else if (!fetch_record(sim, source, &message)) {
        if (source->end_told == source->at)
            return false;
        message.kind = LOG_MESSAGE_END;
        message.offset = source->end_told = source->at;
    }
    *ret_message = message;
    return true;
}

static size_t sim_poll(struct log_port *port, struct log_message *ret_messages, size_t max)
{
    struct sim_port *sim = sim_port_of(port);
    size_t count = 0;
    int32_t idle = 0;

    while (!sim->messages_held && count < max && idle < sim->source_count) {
        int32_t number = sim->next_source++ % sim->source_count;
        if (fetch_one(sim, number, &ret_messages[count])) {
            count++;
            idle = 0;
        } else {
            idle++;
        }
        sim->next_source %= sim->source_count;
    }
    return count;
}

static bool sim_header(const struct log_port *port, const struct log_message *message, size_t index,
                       struct log_header *ret_header)
{
    const struct sim_record *record = message->handle;

    (void)port;
    if (index >= record->header_count)
        return false;
    *ret_header = record->headers[index];
    return true;
}

static void sim_release(struct log_port *port, struct log_message *message)
{
    if (message->handle == NULL)
        return;
    sim_port_of(port)->messages_out--;
    free(message->handle);
    message->handle = NULL;
}

static int64_t sim_end(const struct log_port *port, int32_t source)
{
    return sim_port_visible(sim_port_of(port), &sim_port_of(port)->sources[source]);
}

static bool sim_connected(const struct log_port *port)
{
    return !sim_port_of(port)->messages_held;
}

static int64_t sim_boot_us(const struct log_port *port)
{
    return sim_port_of(port)->broker->boot_us + sim_port_of(port)->clock_shift_us;
}

static int64_t sim_wall_us(const struct log_port *port)
{
    return sim_broker_now_us(sim_port_of(port)->broker) + sim_port_of(port)->wall_ahead_us;
}

static uint64_t sim_chance(struct log_port *port)
{
    return sim_broker_draw(sim_port_of(port)->broker);
}

/* Nothing happens by itself, so the time asked for passes at once. */
static void sim_wait(struct log_port *port, int timeout_ms)
{
    struct sim_port *sim = sim_port_of(port);

    if (sim->reports.count == 0 && timeout_ms > 0)
        sim_broker_pass(sim->broker, (int64_t)timeout_ms * 1000);
}

static void sim_wake(struct log_port *port)
{
    (void)port;
}

static const struct log_port sim_port_functions = {
    .open = sim_open,
    .produce = sim_produce,
    .reports = sim_take_reports,
    .recreate_producer = sim_recreate_producer,
    .fetch = sim_fetch,
    .fetch_stop = sim_fetch_stop,
    .poll = sim_poll,
    .header = sim_header,
    .release = sim_release,
    .end = sim_end,
    .connected = sim_connected,
    .boot_us = sim_boot_us,
    .wall_us = sim_wall_us,
    .chance = sim_chance,
    .wait = sim_wait,
    .wake = sim_wake,
};

struct log_port *sim_port_create(struct sim_broker *broker)
{
    struct sim_port *sim = calloc(1, sizeof(*sim));

    assert(sim != NULL);
    sim->port = sim_port_functions;
    sim->broker = broker;
    sim->records_max = SIZE_MAX / 2;
    broker->port_count++;
    return &sim->port;
}
