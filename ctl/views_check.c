/* A reader for each revision of a view, attached to all its places at once. */
#include "ctl/views_check.h"

#include "lib/core/clock.h"
#include "lib/log/kafka_port.h"
#include "lib/log/reader.h"
#include "schemas/contexts.h"

#define POLL_RECORDS    256
#define POLL_TIMEOUT_MS 100
#define PATIENCE_US     INT64_C(60000000)
#define FETCHED_BYTES   ((size_t)1024 * 1024)
#define FETCH_BYTES     ((size_t)64 * 1024)

static const struct field place_fields[] = {
    {FIELD_AT(views_place, view), .kind = FIELD_TEXT},
    {FIELD_AT(views_place, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(views_place, context), .kind = FIELD_TEXT},
    {FIELD_AT(views_place, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(views_place, log), .kind = FIELD_TEXT, .format = TEXT_UUID, .optional = true},
    {FIELD_AT(views_place, next_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(views_place, last_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(views_place, term), .kind = FIELD_INTEGER},
    {FIELD_AT(views_place, seq), .kind = FIELD_INTEGER},
    {FIELD_AT(views_place, time_us), .kind = FIELD_INTEGER},
};

static const struct record place_record = {
    .name = "ViewsPlace",
    .size = sizeof(struct views_place),
    .fields = place_fields,
    .field_count = COUNT_OF(place_fields),
};

const struct db_statement views_check_statement = {
    .name = "views_places",
    .sql = "SELECT p.view, p.revision, p.context, p.partition::bigint, p.log, p.next_offset,"
           " p.last_offset, p.term, p.seq, p.time_us FROM projector.position AS p"
           " JOIN projector.fingerprint AS f ON f.view = p.view AND f.revision = p.revision"
           " ORDER BY p.view, p.revision, p.context, p.partition",
    .row = &place_record,
};

/* Of one revision. */
struct check {
    struct views_place *places;
    size_t count;
    bool *settled;
    size_t *by_number; /* of the reader's source */
};

static void take_commit(void *self, int32_t number, const struct log_event *events, size_t count,
                        const struct log_position *after)
{
    struct check *check = self;
    (void)events;
    (void)count;
    (void)after;
    check->settled[check->by_number[number]] = true;
}

static void take_advance(void *self, int32_t number, const struct log_position *after)
{
    take_commit(self, number, NULL, 0, after);
}

static void take_stop(void *self, int32_t number, const struct error *error)
{
    struct check *check = self;
    check->places[check->by_number[number]].fault = *error;
    check->settled[check->by_number[number]] = true;
}

static bool position_of(const struct views_place *place, struct log_position *ret_position,
                        struct error *error)
{
    log_position_start(ret_position);
    if (place->log.bytes != NULL && !uuid_parse(place->log, &ret_position->log))
        return error_set(error, FAULT_DATABASE_FAILED, "a position's log is no uuid");
    ret_position->next = place->next_offset;
    ret_position->last_offset = place->last_offset;
    ret_position->term = place->term;
    ret_position->seq = place->seq;
    ret_position->time_us = place->time_us;
    return true;
}

static bool attach(struct log_reader *reader, struct check *check, size_t index,
                   struct error *error)
{
    const struct views_place *place = &check->places[index];
    struct log_position position;
    int32_t number;
    const struct context *context = context_named(place->context);
    if (context == NULL)
        return error_set(error, FAULT_CONFIG_INVALID, "there is no context %.*s",
                         TEXT_ARGS(place->context));
    const struct log_reading reading = {context->topic, (int32_t)place->partition, &position};
    if (!position_of(place, &position, error) ||
        !log_reader_attach(reader, &reading, &number, error))
        return false;
    check->by_number[number] = index;
    return true;
}

/* What has been answered for is not read on. */
static size_t settle(struct log_reader *reader, struct check *check)
{
    size_t open = 0;
    for (int32_t number = 0; (size_t)number < check->count; number++) {
        size_t index = check->by_number[number];
        struct views_place *place = &check->places[index];
        int64_t end = log_reader_end(reader, number);
        place->end = end > place->end ? end : place->end;
        check->settled[index] = check->settled[index] || log_reader_source_at_end(reader, number);
        if (check->settled[index] && place->fault.fault == FAULT_NONE)
            log_reader_detach(reader, number);
        open += !check->settled[index];
    }
    return open;
}

static bool read_all(struct log_reader *reader, struct check *check, struct error *error)
{
    int64_t until_us = clock_boot_us() + PATIENCE_US;
    for (size_t i = 0; i < check->count; i++)
        if (!attach(reader, check, i, error))
            return false;
    do {
        if (clock_boot_us() > until_us)
            return error_set(error, FAULT_LOG_UNAVAILABLE, "the log does not answer");
        (void)log_reader_poll(reader, POLL_RECORDS, POLL_TIMEOUT_MS);
    } while (settle(reader, check) > 0);
    return true;
}

static bool check_one(const char *brokers, struct check *check, struct error *error)
{
    const struct kafka_port_options options = {.brokers = brokers,
                                               .client_id = "sijangctl",
                                               .fetched_bytes_max = FETCHED_BYTES,
                                               .fetch_bytes_max = FETCH_BYTES};
    const struct log_reader_handler handler = {
        .self = check, .commit = take_commit, .advanced = take_advance, .stopped = take_stop};
    struct log_port *port = kafka_port_create(&options, error);
    if (port == NULL)
        return false;
    struct log_reader *reader = log_reader_create(port, &handler, 0, error);
    bool read = reader != NULL && read_all(reader, check, error);
    if (reader != NULL)
        log_reader_destroy(reader);
    (void)kafka_port_destroy(port);
    return read;
}

size_t views_places_of_one(const struct views_places *places, size_t first)
{
    const struct views_place *items = places->items;
    size_t end = first;
    while (end < places->count && text_equal(items[end].view, items[first].view) &&
           items[end].revision == items[first].revision)
        end++;
    return end - first;
}

bool views_check(struct db_connection *connection, const char *brokers, struct arena *arena,
                 struct views_places *ret_places, struct error *error)
{
    struct db_rows rows;
    if (!db_run(connection, &views_check_statement, NULL, arena, &rows, error))
        return false;
    size_t bytes = rows.count * sizeof(struct views_place);
    struct views_place *places = arena_copy(arena, rows.items, bytes);
    bool *settled = arena_alloc_zeroed(arena, (rows.count + 1) * sizeof(*settled));
    size_t *by_number = arena_alloc_zeroed(arena, (rows.count + 1) * sizeof(*by_number));
    if ((rows.count > 0 && places == NULL) || settled == NULL || by_number == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu positions", rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        places[i].end = LOG_OFFSET_NONE;
        places[i].fault = (struct error){0};
    }
    *ret_places = (struct views_places){places, rows.count};
    for (size_t first = 0, count; first < rows.count; first += count) {
        count = views_places_of_one(ret_places, first);
        struct check check = {&ret_places->items[first], count, settled + first, by_number};
        if (!check_one(brokers, &check, error))
            return error_add(error, "%.*s", TEXT_ARGS(ret_places->items[first].view));
    }
    return true;
}

bool views_place_is_lost(const struct views_place *place)
{
    return place->fault.fault == FAULT_LOG_REPLACED || place->fault.fault == FAULT_LOG_TRUNCATED;
}
