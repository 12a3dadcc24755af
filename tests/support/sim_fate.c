/* What becomes of what is under way: the test says. */
#include "lib/log/position.h"
#include "tests/support/sim_port.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void sim_queue_push(struct sim_queue *queue, struct sim_flight flight)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        queue->entries = realloc(queue->entries, queue->capacity * sizeof(*queue->entries));
        assert(queue->entries != NULL);
    }
    queue->entries[queue->count++] = flight;
}

struct sim_flight sim_queue_take(struct sim_queue *queue, size_t number)
{
    struct sim_flight flight = queue->entries[number];

    queue->count--;
    memmove(&queue->entries[number], &queue->entries[number + 1],
            (queue->count - number) * sizeof(flight));
    return flight;
}

void sim_reports_push(struct sim_reports *reports, struct log_report report)
{
    if (reports->count == reports->capacity) {
        reports->capacity = reports->capacity == 0 ? 64 : reports->capacity * 2;
        reports->entries = realloc(reports->entries, reports->capacity * sizeof(*reports->entries));
        assert(reports->entries != NULL);
    }
    reports->entries[reports->count++] = report;
}

struct log_report sim_reports_take(struct sim_reports *reports, size_t number)
{
    struct log_report report = reports->entries[number];

    reports->count--;
    memmove(&reports->entries[number], &reports->entries[number + 1],
            (reports->count - number) * sizeof(report));
    return report;
}

void sim_port_meet_fate(struct sim_port *sim, struct sim_flight flight, enum sim_fate fate)
{
    struct sim_log *log = sim->sources[flight.source].log;
    struct log_report report = {
        .kind = LOG_REPORT_UNKNOWN,
        .source = flight.source,
        .token = flight.token,
        .offset = LOG_OFFSET_NONE,
    };

    if (fate == SIM_LOST || fate == SIM_VANISHED) {
        free(flight.record);
    } else {
        report.offset = sim_broker_put(sim->broker, log, flight.record);
        report.append_time_us = flight.record->append_time_us;
    }
    if (fate == SIM_DUPLICATED)
        sim_broker_put(sim->broker, log, sim_record_copy(flight.record));
    if (fate == SIM_SILENT || fate == SIM_VANISHED)
        return;
    if (fate == SIM_DELIVERED || fate == SIM_DUPLICATED)
        report.kind = LOG_REPORT_APPENDED;
    else
        report.offset = LOG_OFFSET_NONE;
    sim_reports_push(sim->reports_held ? &sim->waiting : &sim->reports, report);
}

static void drop_all(struct sim_queue *queue)
{
    while (queue->count > 0)
        free(queue->entries[--queue->count].record);
    free(queue->entries);
}

void sim_port_destroy(struct log_port *port)
{
    struct sim_port *sim = sim_port_of(port);

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
    sim_port_of(port)->held = held;
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
    const struct sim_port *sim = sim_port_of(port);
    size_t count = 0;

    for (size_t i = 0; i < sim->under_way.count; i++)
        count += source == SIM_ANY_SOURCE || sim->under_way.entries[i].source == source;
    return count;
}

void sim_port_deliver(struct log_port *port, int32_t source, enum sim_fate fate)
{
    struct sim_port *sim = sim_port_of(port);
    size_t number = find_flight(sim, source);

    assert(number < sim->under_way.count);
    sim_port_meet_fate(sim, sim_queue_take(&sim->under_way, number), fate);
}

void sim_port_deliver_all(struct log_port *port, enum sim_fate fate)
{
    while (sim_port_of(port)->under_way.count > 0)
        sim_port_deliver(port, SIM_ANY_SOURCE, fate);
}

void sim_port_hold_reports(struct log_port *port, bool held)
{
    struct sim_port *sim = sim_port_of(port);

    sim->reports_held = held;
    while (!held && sim->waiting.count > 0)
        sim_port_report(port, 0);
}

size_t sim_port_waiting(const struct log_port *port)
{
    return sim_port_of(port)->waiting.count;
}

void sim_port_report(struct log_port *port, size_t number)
{
    struct sim_port *sim = sim_port_of(port);

    assert(number < sim->waiting.count);
    sim_reports_push(&sim->reports, sim_reports_take(&sim->waiting, number));
}

void sim_port_hold_messages(struct log_port *port, bool held)
{
    sim_port_of(port)->messages_held = held;
}

void sim_port_lag(struct log_port *port, bool lags)
{
    sim_port_of(port)->lags = lags;
}

int64_t sim_port_unseen(const struct log_port *port, int32_t source)
{
    const struct sim_source *seeing = &sim_port_of(port)->sources[source];

    return seeing->log->end - sim_port_visible(sim_port_of(port), seeing);
}

void sim_port_see(struct log_port *port, int32_t source, int64_t count)
{
    struct sim_source *seeing = &sim_port_of(port)->sources[source];

    assert(count <= sim_port_unseen(port, source));
    int64_t seen = sim_port_visible(sim_port_of(port), seeing) + count;
    if (seen > seeing->seen)
        seeing->seen = seen;
}

int32_t sim_port_sources(const struct log_port *port)
{
    return sim_port_of(port)->source_count;
}

void sim_port_shift_clock(struct log_port *port, int64_t shift_us)
{
    sim_port_of(port)->clock_shift_us = shift_us;
}

void sim_port_set_wall_ahead(struct log_port *port, int64_t ahead_us)
{
    sim_port_of(port)->wall_ahead_us = ahead_us;
}

void sim_port_lose_producer(struct log_port *port)
{
    struct sim_port *sim = sim_port_of(port);

    while (sim->under_way.count > 0)
        sim_queue_push(&sim->zombies, sim_queue_take(&sim->under_way, 0));
    sim->waiting.count = 0;
    sim->reports.count = 0;
    sim->producer_lost = true;
    sim_reports_push(&sim->reports, (struct log_report){.kind = LOG_REPORT_PRODUCER_LOST});
}

bool sim_port_deliver_zombie(struct log_port *port)
{
    struct sim_port *sim = sim_port_of(port);

    if (sim->zombies.count == 0)
        return false;
    sim_port_meet_fate(sim, sim_queue_take(&sim->zombies, 0), SIM_SILENT);
    return true;
}

void sim_port_limit(struct log_port *port, size_t records_max)
{
    sim_port_of(port)->records_max = records_max;
}
