/* The ring of records under way. */
#include "lib/log/flight.h"

#include <assert.h>
#include <stdlib.h>

#define FLIGHT_CAPACITY_FIRST 256

void flight_done(struct flight *flight)
{
    free(flight->entries);
    *flight = (struct flight){0};
}

static struct flight_entry *slot(const struct flight *flight, uint64_t token)
{
    return &flight->entries[token & (flight->capacity - 1)];
}

bool flight_is_empty(const struct flight *flight)
{
    return flight->head == flight->tail;
}

bool flight_reserve(struct flight *flight, size_t count)
{
    size_t used = (size_t)(flight->tail - flight->head);
    struct flight grown = *flight;

    if (used + count <= flight->capacity)
        return true;
    if (used + count > FLIGHT_RECORDS_MAX)
        return false;
    grown.capacity = flight->capacity == 0 ? FLIGHT_CAPACITY_FIRST : flight->capacity;
    while (grown.capacity < used + count)
        grown.capacity *= 2;
    grown.entries = malloc(grown.capacity * sizeof(*grown.entries));
    if (grown.entries == NULL)
        return false;
    for (uint64_t token = flight->head; token < flight->tail; token++)
        *slot(&grown, token) = *slot(flight, token);
    free(flight->entries);
    *flight = grown;
    return true;
}

void flight_push(struct flight *flight, const struct log_fence *fence, uint64_t commit_token,
                 int64_t produced_us)
{
    assert(flight->tail - flight->head < flight->capacity);
    *slot(flight, flight->tail++) = (struct flight_entry){
        .fence = *fence,
        .commit_token = commit_token,
        .produced_us = produced_us,
    };
    if (fence->index == fence->count)
        flight->commits++;
}

struct flight_entry *flight_at(struct flight *flight, uint64_t token)
{
    assert(token >= flight->head && token < flight->tail);
    return slot(flight, token);
}

void flight_pop(struct flight *flight)
{
    const struct flight_entry *oldest = flight_at(flight, flight->head);

    assert(flight->head < flight->reported);
    if (oldest->fence.index == oldest->fence.count)
        flight->commits--;
    flight->head++;
}

uint64_t flight_skip(struct flight *flight)
{
    assert(flight_is_empty(flight));
    flight->head = flight->reported = flight->tail + 1;
    return flight->tail++;
}

void flight_abandon(struct flight *flight)
{
    flight->head = flight->reported = flight->tail;
    flight->commits = 0;
}
