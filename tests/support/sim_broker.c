/* The simulated broker and its ports. A port keeps what it produced in one queue; a fate moves the
 * oldest record of it into the log, or not, and a report into the port's report queue, or not. */
#include "tests/support/sim_broker.h"

#include "lib/log/position.h"
#include "tests/support/sim_records.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LOGS_MAX    128
#define SOURCES_MAX 128
#define EPOCH_US    INT64_C(1767225600000000) /* 2026-01-01, so that append times look like some */

struct sim_broker {
    struct sim_log logs[LOGS_MAX];
    int log_count;
    int port_count;
    int64_t boot_us;
    uint64_t chance;
};

struct sim_source {
    struct sim_log *log;
    uint64_t fetch; /* 0: none */
    int64_t at;
    int64_t end_told;
};

struct sim_flight {
    int32_t source;
    uint64_t token;
    struct sim_record *record;
};

struct sim_queue {
    struct sim_flight *entries;
    size_t count;
    size_t capacity;
};

struct sim_reports {
    struct log_report *entries;
    size_t count;
    size_t capacity;
};

struct sim_port {
    struct log_port port;
    struct sim_broker *broker;
    struct sim_source sources[SOURCES_MAX];
    int32_t source_count;
    int32_t next_source; /* to be polled first */
    uint64_t fetches;
    struct sim_queue under_way;
    struct sim_queue zombies;
    struct sim_reports reports; /* that may be taken */
    struct sim_reports waiting; /* held back */
    bool held;
    bool reports_held;
    bool messages_held;
    bool producer_lost;
    size_t records_max;
    size_t messages_out;
};

static struct sim_port *of(struct log_port *port)
{
    return (struct sim_port *)port;
}

static const struct sim_port *of_const(const struct log_port *port)
{
    return (const struct sim_port *)port;
}

/* SplitMix64 (https://prng.di.unimi.it/splitmix64.c). */
static uint64_t draw(struct sim_broker *broker)
{
    uint64_t bits = (broker->chance += UINT64_C(0x9e3779b97f4a7c15));

    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

struct sim_broker *sim_broker_create(uint64_t seed)
{
    struct sim_broker *broker = calloc(1, sizeof(*broker));

    assert(broker != NULL);
    broker->chance = seed;
    broker->boot_us = 1000000;
    return broker;
}

void sim_broker_destroy(struct sim_broker *broker)
{
    assert(broker->port_count == 0);
    for (int i = 0; i < broker->log_count; i++)
        sim_log_done(&broker->logs[i]);
    free(broker);
}

void sim_broker_pass(struct sim_broker *broker, int64_t duration_us)
{
    broker->boot_us += duration_us;
}

int64_t sim_broker_now_us(const struct sim_broker *broker)
{
    return EPOCH_US + broker->boot_us;
}

static struct sim_log *find_log(struct sim_broker *broker, const char *topic, int32_t partition)
{
    for (int i = 0; i < broker->log_count; i++)
        if (broker->logs[i].partition == partition && strcmp(broker->logs[i].topic, topic) == 0)
            return &broker->logs[i];
    assert(broker->log_count < LOGS_MAX);
    struct sim_log *added = &broker->logs[broker->log_count++];
    sim_log_init(added, topic, partition);
    return added;
}

int64_t sim_broker_append(struct sim_broker *broker, const char *topic, int32_t partition,
                          const struct log_record *record)
{
    return sim_log_append(find_log(broker, topic, partition), sim_record_create(record),
                          sim_broker_now_us(broker));
}

int64_t sim_broker_copy(struct sim_broker *broker, const char *topic, int32_t partition,
                        int64_t offset)
{
    struct sim_log *log = find_log(broker, topic, partition);

    assert(offset >= log->first && offset < log->end);
    return sim_log_append(log, sim_record_copy(log->records[offset]), sim_broker_now_us(broker));
}

int64_t sim_broker_skip_offset(struct sim_broker *broker, const char *topic, int32_t partition)
{
    struct sim_record *record = sim_record_create(&(struct log_record){.header_count = 0});

    record->control = true;
    return sim_log_append(find_log(broker, topic, partition), record, sim_broker_now_us(broker));
}

int64_t sim_broker_end(struct sim_broker *broker, const char *topic, int32_t partition)
{
    return find_log(broker, topic, partition)->end;
}

void sim_broker_truncate(struct sim_broker *broker, const char *topic, int32_t partition,
                         int64_t end)
{
    sim_log_truncate(find_log(broker, topic, partition), end);
}

void sim_broker_hide(struct sim_broker *broker, const char *topic, int32_t partition, int64_t end)
{
    find_log(broker, topic, partition)->hidden = end;
}

void sim_broker_retain(struct sim_broker *broker, const char *topic, int32_t partition,
                       int64_t first)
{
    find_log(broker, topic, partition)->first = first;
}

void sim_broker_recreate(struct sim_broker *broker, const char *topic, int32_t partition)
{
    struct sim_log *log = find_log(broker, topic, partition);

    sim_log_truncate(log, 0);
    log->first = 0;
}

static void push_flight(struct sim_queue *queue, struct sim_flight flight)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        queue->entries = realloc(queue->entries, queue->capacity * sizeof(*queue->entries));
        assert(queue->entries != NULL);
    }
    queue->entries[queue->count++] = flight;
}

static struct sim_flight take_flight(struct sim_queue *queue, size_t number)
{
    struct sim_flight flight = queue->entries[number];

    queue->count--;
    memmove(&queue->entries[number], &queue->entries[number + 1],
            (queue->count - number) * sizeof(flight));
    return flight;
}

static void push_report(struct sim_reports *reports, struct log_report report)
{
    if (reports->count == reports->capacity) {
        reports->capacity = reports->capacity == 0 ? 64 : reports->capacity * 2;
        reports->entries = realloc(reports->entries, reports->capacity * sizeof(*reports->entries));
        assert(reports->entries != NULL);
    }
    reports->entries[reports->count++] = report;
}

static struct log_report take_report(struct sim_reports *reports, size_t number)
{
    struct log_report report = reports->entries[number];

    reports->count--;
    memmove(&reports->entries[number], &reports->entries[number + 1],
            (reports->count - number) * sizeof(report));
    return report;
}

static bool sim_open(struct log_port *port, const char *topic, int32_t partition,
                     int32_t *ret_source, struct error *error)
{
    struct sim_port *sim = of(port);
    struct sim_log *log = find_log(sim->broker, topic, partition);
    int32_t source = 0;

    (void)error;
    while (source < sim->source_count && sim->sources[source].log != log)
        source++;
    if (source == sim->source_count) {
        assert(source < SOURCES_MAX);
        sim->sources[sim->source_count++] = (struct sim_source){.log = log};
    }
    *ret_source = source;
    return true;
}

static void meet_fate(struct sim_port *sim, struct sim_flight flight, enum sim_fate fate)
{
    struct sim_log *log = sim->sources[flight.source].log;
    int64_t now_us = sim_broker_now_us(sim->broker);
    struct log_report report = {
        .kind = LOG_REPORT_UNKNOWN,
        .source = flight.source,
        .token = flight.token,
        .offset = LOG_OFFSET_NONE,
    };

    if (fate == SIM_LOST || fate == SIM_VANISHED) {
        free(flight.record);
    } else {
        report.offset = sim_log_append(log, flight.record, now_us);
        report.append_time_us = now_us;
    }
    if (fate == SIM_DUPLICATED)
        sim_log_append(log, sim_record_copy(flight.record), now_us);
    if (fate == SIM_SILENT || fate == SIM_VANISHED)
        return;
    if (fate == SIM_DELIVERED || fate == SIM_DUPLICATED)
        report.kind = LOG_REPORT_APPENDED;
    else
        report.offset = LOG_OFFSET_NONE;
    push_report(sim->reports_held ? &sim->waiting : &sim->reports, report);
}

static bool sim_produce(struct log_port *port, int32_t source, const struct log_record *records,
                        size_t count, uint64_t first_token, struct error *error)
{
    struct sim_port *sim = of(port);

    assert(source >= 0 && source < sim->source_count);
    if (sim->producer_lost)
        return error_set(error, FAULT_NOT_READY, "no producer");
    if (sim->under_way.count + count > sim->records_max)
        return error_set(error, FAULT_OVERLOADED, "too many records under way");
    for (size_t i = 0; i < count; i++) {
        struct sim_flight flight = {source, first_token + i, sim_record_create(&records[i])};
        if (sim->held)
            push_flight(&sim->under_way, flight);
        else
            meet_fate(sim, flight, SIM_DELIVERED);
    }
    return true;
}

static size_t sim_take_reports(struct log_port *port, struct log_report *ret_reports, size_t max)
{
    struct sim_port *sim = of(port);
    size_t count = 0;

    while (count < max && sim->reports.count > 0)
        ret_reports[count++] = take_report(&sim->reports, 0);
    return count;
}

static bool sim_recreate_producer(struct log_port *port, struct error *error)
{
    (void)error;
    of(port)->producer_lost = false;
    return true;
}

static uint64_t sim_fetch(struct log_port *port, int32_t source, int64_t offset)
{
    struct sim_port *sim = of(port);
    struct sim_source *fetched = &sim->sources[source];

    fetched->fetch = ++sim->fetches;
    fetched->at = offset == LOG_OFFSET_FIRST ? fetched->log->first : offset;
    fetched->end_told = LOG_OFFSET_NONE;
    return fetched->fetch;
}

static void sim_fetch_stop(struct log_port *port, int32_t source)
{
    of(port)->sources[source].fetch = 0;
}

static int64_t visible_end(const struct sim_log *log)
{
    return log->hidden >= 0 && log->hidden < log->end ? log->hidden : log->end;
}

static bool fetch_record(struct sim_port *sim, struct sim_source *source,
                         struct log_message *message)
{
    const struct sim_log *log = source->log;

    while (source->at < visible_end(log) && log->records[source->at]->control)
        source->at++;
    if (source->at >= visible_end(log))
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
    struct sim_port *sim = of(port);
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
    of(port)->messages_out--;
    free(message->handle);
    message->handle = NULL;
}

static int64_t sim_end(const struct log_port *port, int32_t source)
{
    return visible_end(of_const(port)->sources[source].log);
}

static bool sim_connected(const struct log_port *port)
{
    return !of_const(port)->messages_held;
}

static int64_t sim_boot_us(const struct log_port *port)
{
    return of_const(port)->broker->boot_us;
}

static uint64_t sim_chance(struct log_port *port)
{
    return draw(of(port)->broker);
}

/* Nothing happens by itself, so the time asked for passes at once. */
static void sim_wait(struct log_port *port, int timeout_ms)
{
    struct sim_port *sim = of(port);

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

static void drop_all(struct sim_queue *queue)
{
    while (queue->count > 0)
        free(queue->entries[--queue->count].record);
    free(queue->entries);
}

void sim_port_destroy(struct log_port *port)
{
    struct sim_port *sim = of(port);

    assert(sim->messages_out == 0);
    drop_all(&sim->under_way);
    drop_all(&sim->zombies);
    free(sim->reports.entries);
    free(sim->waiting.entries);
    sim->broker->port_count--;
    free(sim);
}

void sim_port_hold(struct log_port *port, bool held)
{
    of(port)->held = held;
    if (!held)
        sim_port_deliver_all(port, SIM_DELIVERED);
}

static size_t find_flight(const struct sim_port *sim, int32_t source)
{
    size_t number = 0;

    while (number < sim->under_way.count && source != SIM_ANY_SOURCE &&
           sim->under_way.entries[number].source != source)
        number++;
    return number;
}

size_t sim_port_under_way(const struct log_port *port, int32_t source)
{
    const struct sim_port *sim = of_const(port);
    size_t count = 0;

    for (size_t i = 0; i < sim->under_way.count; i++)
        count += source == SIM_ANY_SOURCE || sim->under_way.entries[i].source == source;
    return count;
}

void sim_port_deliver(struct log_port *port, int32_t source, enum sim_fate fate)
{
    struct sim_port *sim = of(port);
    size_t number = find_flight(sim, source);

    assert(number < sim->under_way.count);
    meet_fate(sim, take_flight(&sim->under_way, number), fate);
}

void sim_port_deliver_all(struct log_port *port, enum sim_fate fate)
{
    while (of(port)->under_way.count > 0)
        sim_port_deliver(port, SIM_ANY_SOURCE, fate);
}

void sim_port_hold_reports(struct log_port *port, bool held)
{
    struct sim_port *sim = of(port);

    sim->reports_held = held;
    while (!held && sim->waiting.count > 0)
        sim_port_report(port, 0);
}

void sim_port_report(struct log_port *port, size_t number)
{
    struct sim_port *sim = of(port);

    assert(number < sim->waiting.count);
    push_report(&sim->reports, take_report(&sim->waiting, number));
}

void sim_port_hold_messages(struct log_port *port, bool held)
{
    of(port)->messages_held = held;
}

void sim_port_lose_producer(struct log_port *port)
{
    struct sim_port *sim = of(port);

    while (sim->under_way.count > 0)
        push_flight(&sim->zombies, take_flight(&sim->under_way, 0));
    sim->waiting.count = 0;
    sim->reports.count = 0;
    sim->producer_lost = true;
    push_report(&sim->reports, (struct log_report){.kind = LOG_REPORT_PRODUCER_LOST});
}

bool sim_port_deliver_zombie(struct log_port *port)
{
    struct sim_port *sim = of(port);

    if (sim->zombies.count == 0)
        return false;
    meet_fate(sim, take_flight(&sim->zombies, 0), SIM_SILENT);
    return true;
}

void sim_port_limit(struct log_port *port, size_t records_max)
{
    of(port)->records_max = records_max;
}
