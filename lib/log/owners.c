/* The owners' topic: a table of what was heard, one cell per context and partition, and what this
 * process still has to say. JSON, so that people can read it with any Kafka tool. */
#include "lib/log/owners.h"

#include "lib/core/buffer.h"
#include "lib/log/port.h"
#include "lib/record/json.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES_MAX   400
#define VALUE_BYTES_MAX 1024
#define ARENA_BYTES_MAX (64 * 1024)
#define MESSAGES_A_TURN 256
#define REPORTS_A_TURN  64

/* A record's value. */
struct statement {
    struct text address; /* absent: the owner of this term has given up */
    struct text incarnation;
    struct text log;
    int64_t term;
};

static const struct field statement_fields[] = {
    {FIELD_AT(statement, address), .kind = FIELD_TEXT, .optional = true, .min = 1,
     .max = OWNER_ADDRESS_SIZE - 1},
    {FIELD_AT(statement, incarnation), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(statement, log), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(statement, term), .kind = FIELD_INTEGER, .min = 0, .max = INT64_MAX},
};

static const struct record statement_record = {
    .name = "Owner",
    .size = sizeof(struct statement),
    .fields = statement_fields,
    .field_count = COUNT_OF(statement_fields),
};

struct cell {
    struct owner newest; /* heard or said; address "": gave up. log all zero: nothing heard */
    struct uuid own_log; /* of what this process says of itself */
    int64_t own_term;
    bool serves;      /* this process, as far as it knows */
    bool unsaid;      /* the topic lacks what it says */
    uint64_t told_as; /* the report it waits for; 0: none */
};

struct owners {
    struct log_port *port;
    struct owners_options options;
    char address[OWNER_ADDRESS_SIZE];
    int32_t source;
    size_t cell_count;
    uint64_t tokens; /* given so far */
    bool producer_lost;
    struct arena arena;
    struct buffer key, value;
    pthread_mutex_t mutex; /* of what follows */
    bool known;
    size_t unsaid;
    struct hosts hosts;
    uint64_t farewell;   /* the last one's report is waited for; 0: it was given, or nothing was */
    struct cell cells[]; /* by context, then partition */
};

static size_t count_contexts(const char *const *contexts)
{
    size_t count = 0;

    while (contexts[count] != NULL)
        count++;
    assert(count <= OWNERS_CONTEXTS_MAX);
    return count;
}

static struct owners *allocate(struct log_port *port, const struct owners_options *options)
{
    size_t cells = count_contexts(options->contexts) * (size_t)options->partition_count;
    struct owners *owners = calloc(1, sizeof(*owners) + cells * sizeof(struct cell));

    if (owners == NULL)
        return NULL;
    owners->port = port;
    owners->options = *options;
    owners->options.address = owners->address;
    memcpy(owners->address, options->address, strlen(options->address) + 1);
    owners->cell_count = cells;
    if (options->deployment != NULL)
        hosts_init(&owners->hosts, options->deployment, options->hosted);
    arena_init(&owners->arena, ARENA_BYTES_MAX);
    buffer_init(&owners->key, KEY_BYTES_MAX);
    buffer_init(&owners->value, VALUE_BYTES_MAX);
    pthread_mutex_init(&owners->mutex, NULL);
    return owners;
}

struct owners *owners_create(struct log_port *port, const struct owners_options *options,
                             struct error *error)
{
    if (options->address[0] == '\0' || strlen(options->address) >= OWNER_ADDRESS_SIZE) {
        error_set(error, FAULT_CONFIG_INVALID, "the address others reach this process at");
        return NULL;
    }
    struct owners *owners = allocate(port, options);
    if (owners == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "owners");
        return NULL;
    }
    if (!port->open(port, OWNERS_TOPIC, 0, &owners->source, error))
        return owners_destroy(owners);
    (void)port->fetch(port, owners->source, LOG_OFFSET_FIRST);
    return owners;
}

struct owners *owners_destroy(struct owners *owners)
{
    if (owners == NULL)
        return NULL;
    owners->port->fetch_stop(owners->port, owners->source);
    arena_done(&owners->arena);
    buffer_done(&owners->key);
    buffer_done(&owners->value);
    pthread_mutex_destroy(&owners->mutex);
    free(owners);
    return NULL;
}

/* NULL: not one of those kept. */
static struct cell *find_cell(struct owners *owners, struct text context, int64_t partition)
{
    const struct owners_options *options = &owners->options;

    if (partition < 0 || partition >= options->partition_count)
        return NULL;
    for (size_t i = 0; options->contexts[i] != NULL; i++)
        if (text_is(context, options->contexts[i]))
            return &owners->cells[i * (size_t)options->partition_count + (size_t)partition];
    return NULL;
}

static struct cell *get_cell(struct owners *owners, const char *context, int32_t partition)
{
    struct cell *cell = find_cell(owners, text_of(context), partition);

    assert(cell != NULL);
    return cell;
}

static bool is_own(const struct owners *owners, const struct owner *owner)
{
    return uuid_equal(&owner->incarnation, &owners->options.incarnation);
}

bool owners_find(struct owners *owners, const char *context, int32_t partition,
                 struct owner *ret_owner)
{
    const struct cell *cell = get_cell(owners, context, partition);

    pthread_mutex_lock(&owners->mutex);
    bool found = cell->newest.address[0] != '\0';
    if (found)
        *ret_owner = cell->newest;
    pthread_mutex_unlock(&owners->mutex);
    return found;
}

static void set_unsaid(struct owners *owners, struct cell *cell, bool unsaid)
{
    owners->unsaid = owners->unsaid + unsaid - cell->unsaid;
    cell->unsaid = unsaid;
    cell->told_as = 0; /* a report under way is of something else */
}

static bool is_newer(const struct cell *cell, const struct uuid *log, int64_t term)
{
    return !uuid_equal(&cell->newest.log, log) || term >= cell->newest.term;
}

/* What this process says becomes what is known, unless more is known. */
static void state(struct owners *owners, struct cell *cell)
{
    if (!is_newer(cell, &cell->own_log, cell->own_term)) {
        set_unsaid(owners, cell, false);
        return;
    }
    cell->newest = (struct owner){
        .incarnation = owners->options.incarnation,
        .log = cell->own_log,
        .term = cell->own_term,
    };
    if (cell->serves)
        memcpy(cell->newest.address, owners->address, sizeof(owners->address));
    set_unsaid(owners, cell, true);
}

void owners_say(struct owners *owners, const char *context, int32_t partition,
                const struct log_position *position)
{
    struct cell *cell = get_cell(owners, context, partition);

    pthread_mutex_lock(&owners->mutex);
    cell->serves = true;
    cell->own_log = position->log;
    cell->own_term = position->term;
    state(owners, cell);
    pthread_mutex_unlock(&owners->mutex);
    owners->port->wake(owners->port);
}

void owners_withdraw(struct owners *owners, const char *context, int32_t partition)
{
    struct cell *cell = get_cell(owners, context, partition);

    pthread_mutex_lock(&owners->mutex);
    bool served = cell->serves;
    cell->serves = false;
    if (served)
        state(owners, cell);
    pthread_mutex_unlock(&owners->mutex);
    if (served)
        owners->port->wake(owners->port);
}

bool owners_known(struct owners *owners)
{
    pthread_mutex_lock(&owners->mutex);
    bool known = owners->known;
    pthread_mutex_unlock(&owners->mutex);
    return known;
}

bool owners_settled(struct owners *owners)
{
    pthread_mutex_lock(&owners->mutex);
    bool leaves = owners->hosts.leaving && hosts_have_to_say(&owners->hosts);
    bool settled = owners->unsaid == 0 && owners->farewell == 0 && !leaves;
    pthread_mutex_unlock(&owners->mutex);
    return settled;
}

/* hear */

static bool read_key(struct text key, struct text *ret_context, int64_t *ret_partition)
{
    const char *slash = key.bytes == NULL ? NULL : memchr(key.bytes, '/', key.size);

    if (slash == NULL)
        return false;
    size_t before = (size_t)(slash - key.bytes);
    *ret_context = (struct text){key.bytes, before};
    return text_to_integer((struct text){slash + 1, key.size - before - 1}, ret_partition);
}

/* False: not a statement, such as anybody may have put there. */
static bool read_value(struct owners *owners, struct text value, struct owner *ret_owner)
{
    struct statement statement;
    struct json_reading reading = {.arena = &owners->arena};

    arena_reset(&owners->arena);
    if (value.bytes == NULL || value.size > VALUE_BYTES_MAX ||
        json_read(&statement_record, value, &reading, &statement) != JSON_OK)
        return false;
    *ret_owner = (struct owner){.term = statement.term};
    if (!uuid_parse(statement.incarnation, &ret_owner->incarnation) ||
        !uuid_parse(statement.log, &ret_owner->log) || statement.address.size >= OWNER_ADDRESS_SIZE)
        return false;
    if (statement.address.bytes != NULL)
        memcpy(ret_owner->address, statement.address.bytes, statement.address.size);
    return true;
}

static bool hear_host(struct owners *owners, const struct log_message *message)
{
    struct log_port *port = owners->port;
    int64_t age_us = port->wall_us(port) - message->append_time_us;
    bool heard = false;

    pthread_mutex_lock(&owners->mutex);
    if (owners->options.deployment != NULL)
        heard = hosts_hear(&owners->hosts, message->key, message->value.bytes != NULL,
                           age_us < 0 ? 0 : age_us, port->boot_us(port));
    pthread_mutex_unlock(&owners->mutex);
    return heard;
}

/* An older statement behind a newer one, from a process that slept meanwhile: compaction would keep
 * that one, so the newer owner says its own again. */
static bool hear(struct owners *owners, const struct log_message *message)
{
    struct text context;
    struct owner said;
    int64_t partition;

    if (hear_host(owners, message) || !read_key(message->key, &context, &partition))
        return false;
    struct cell *cell = find_cell(owners, context, partition);
    if (cell == NULL || !read_value(owners, message->value, &said) || is_own(owners, &said))
        return false;
    if (strcmp(said.address, owners->address) == 0)
        said.address[0] = '\0'; /* a former process here: it is gone */
    pthread_mutex_lock(&owners->mutex);
    bool newer = is_newer(cell, &said.log, said.term);
    if (newer)
        cell->newest = said;
    if (newer)
        set_unsaid(owners, cell, false);
    else if (is_own(owners, &cell->newest))
        set_unsaid(owners, cell, true);
    pthread_mutex_unlock(&owners->mutex);
    return newer;
}

static bool hear_end(struct owners *owners)
{
    pthread_mutex_lock(&owners->mutex);
    bool first = !owners->known;
    owners->known = true;
    pthread_mutex_unlock(&owners->mutex);
    return first;
}

static bool take_message(struct owners *owners, const struct log_message *message)
{
    struct log_port *port = owners->port;

    switch (message->kind) {
    case LOG_MESSAGE_RECORD: return hear(owners, message);
    case LOG_MESSAGE_END: return hear_end(owners);
    case LOG_MESSAGE_OUT_OF_RANGE: /* compacted or recreated meanwhile */
        (void)port->fetch(port, owners->source, LOG_OFFSET_FIRST);
        return false;
    case LOG_MESSAGE_DAMAGED:
        (void)port->fetch(port, owners->source, message->offset + 1);
        return false;
    }
    return false;
}

static size_t take_messages(struct owners *owners)
{
    struct log_message messages[MESSAGES_A_TURN];
    struct log_port *port = owners->port;
    size_t count = port->poll(port, messages, MESSAGES_A_TURN);
    bool changed = false;

    for (size_t i = 0; i < count; i++) {
        if (take_message(owners, &messages[i]))
            changed = true;
        port->release(port, &messages[i]);
    }
    if (changed && owners->options.changed != NULL)
        owners->options.changed(owners->options.user);
    return count;
}

/* say */

static void take_report(struct owners *owners, const struct log_report *report)
{
    bool lost = report->kind == LOG_REPORT_PRODUCER_LOST;

    pthread_mutex_lock(&owners->mutex);
    if (lost || report->token == owners->farewell)
        owners->farewell = 0;
    for (size_t i = 0; i < owners->cell_count; i++) {
        struct cell *cell = &owners->cells[i];
        if (cell->told_as == 0 || (!lost && cell->told_as != report->token))
            continue;
        set_unsaid(owners, cell, report->kind != LOG_REPORT_APPENDED);
    }
    pthread_mutex_unlock(&owners->mutex);
    owners->producer_lost = owners->producer_lost || lost;
}

static size_t take_reports(struct owners *owners)
{
    struct log_report reports[REPORTS_A_TURN];
    size_t count = owners->port->reports(owners->port, reports, REPORTS_A_TURN);

    for (size_t i = 0; i < count; i++)
        take_report(owners, &reports[i]);
    if (owners->producer_lost && owners->port->recreate_producer(owners->port, NULL))
        owners->producer_lost = false;
    return count;
}

static void write_statement(struct owners *owners, const struct owner *owner)
{
    char incarnation[UUID_TEXT_SIZE], log[UUID_TEXT_SIZE];

    uuid_format(&owner->incarnation, incarnation);
    uuid_format(&owner->log, log);
    buffer_clear(&owners->value);
    json_write(&statement_record,
               &(struct statement){
                   .address = text_of(owner->address[0] == '\0' ? NULL : owner->address),
                   .incarnation = text_of(incarnation),
                   .log = text_of(log),
                   .term = owner->term,
               },
               &owners->value);
}

static bool produce(struct owners *owners, size_t number, const struct owner *owner, uint64_t token)
{
    size_t partitions = (size_t)owners->options.partition_count;

    buffer_clear(&owners->key);
    buffer_print(&owners->key, "%s/%zu", owners->options.contexts[number / partitions],
                 number % partitions);
    write_statement(owners, owner);
    assert(!owners->key.failed && !owners->value.failed);
    struct log_record record = {
        .key = buffer_text(&owners->key),
        .value = buffer_text(&owners->value),
    };
    return owners->port->produce(owners->port, owners->source, &record, 1, token, NULL);
}

/* What cannot be handed over now is tried again at the next turn. */
static size_t say_all(struct owners *owners)
{
    size_t count = 0;

    pthread_mutex_lock(&owners->mutex);
    for (size_t i = 0; owners->unsaid > 0 && i < owners->cell_count; i++) {
        struct cell *cell = &owners->cells[i];
        if (!cell->unsaid || cell->told_as != 0)
            continue;
        if (!produce(owners, i, &cell->newest, owners->tokens + 1))
            break;
        cell->told_as = ++owners->tokens;
        count++;
    }
    pthread_mutex_unlock(&owners->mutex);
    return count;
}

static struct text write_host(struct owners *owners)
{
    buffer_clear(&owners->value);
    buffer_put_string(&owners->value, "{\"address\":");
    buffer_put_json_string(&owners->value, text_of(owners->address));
    buffer_put_byte(&owners->value, '}');
    return buffer_text(&owners->value);
}

/* What is lost on the way is said again soon. */
static void say_hosts(struct owners *owners)
{
    struct log_port *port = owners->port;
    int64_t boot_us = port->boot_us(port);

    pthread_mutex_lock(&owners->mutex);
    bool due = owners->known && owners->options.deployment != NULL &&
               hosts_are_due(&owners->hosts, boot_us);
    for (size_t i = 0; due && i < owners->hosts.count; i++) {
        buffer_clear(&owners->key);
        if (!hosts_write(&owners->hosts, i, boot_us, &owners->key))
            continue;
        struct log_record record = {.key = buffer_text(&owners->key)};
        if (!owners->hosts.leaving)
            record.value = write_host(owners);
        owners->tokens++;
        if (port->produce(port, owners->source, &record, 1, owners->tokens, NULL) &&
            owners->hosts.leaving)
            owners->farewell = owners->tokens;
    }
    pthread_mutex_unlock(&owners->mutex);
}

bool owners_may_claim(struct owners *owners, const char *context,
                      char ret_other[HOSTS_DEPLOYMENT_SIZE])
{
    struct log_port *port = owners->port;
    const char *other = NULL;

    if (owners->options.deployment == NULL)
        return true;
    pthread_mutex_lock(&owners->mutex);
    bool known = owners->known;
    if (known)
        other = hosts_find_other(&owners->hosts, context, port->boot_us(port));
    if (ret_other != NULL)
        memset(ret_other, 0, HOSTS_DEPLOYMENT_SIZE);
    if (ret_other != NULL && other != NULL)
        memcpy(ret_other, other, strlen(other));
    pthread_mutex_unlock(&owners->mutex);
    return known && other == NULL;
}

void owners_leave(struct owners *owners)
{
    pthread_mutex_lock(&owners->mutex);
    if (owners->options.deployment != NULL)
        hosts_leave(&owners->hosts);
    pthread_mutex_unlock(&owners->mutex);
    owners->port->wake(owners->port);
}

size_t owners_turn(struct owners *owners)
{
    size_t count = take_reports(owners);

    count += take_messages(owners);
    say_hosts(owners);
    return count + say_all(owners);
}
