/* Records as one piece of memory each, so that a sanitizer sees every use after release. */
#include "tests/support/sim_records.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct text put(char **at, struct text text)
{
    struct text copy = {.bytes = text.bytes == NULL ? NULL : *at, .size = text.size};

    if (text.size > 0)
        memcpy(*at, text.bytes, text.size);
    *at += text.size;
    return copy;
}

struct sim_record *sim_record_create(const struct log_record *record)
{
    size_t size = sizeof(struct sim_record) + record->header_count * sizeof(struct log_header) + 1;

    size += record->key.size + record->value.size;
    for (size_t i = 0; i < record->header_count; i++)
        size += record->headers[i].name.size + record->headers[i].value.size;
    struct sim_record *copy = calloc(1, size);
    assert(copy != NULL);
    char *at = (char *)(copy->headers + record->header_count);
    copy->key = put(&at, record->key);
    copy->value = put(&at, record->value);
    copy->header_count = record->header_count;
    for (size_t i = 0; i < record->header_count; i++) {
        copy->headers[i].name = put(&at, record->headers[i].name);
        copy->headers[i].value = put(&at, record->headers[i].value);
    }
    return copy;
}

struct sim_record *sim_record_copy(const struct sim_record *record)
{
    struct sim_record *copy = sim_record_create(&(struct log_record){
        .key = record->key,
        .value = record->value,
        .headers = record->headers,
        .header_count = record->header_count,
    });

    copy->append_time_us = record->append_time_us;
    return copy;
}

void sim_log_init(struct sim_log *log, const char *topic, int32_t partition)
{
    size_t size = strlen(topic) + 1;

    assert(size <= SIM_TOPIC_SIZE);
    *log = (struct sim_log){.partition = partition, .hidden = -1};
    memcpy(log->topic, topic, size);
}

void sim_log_done(struct sim_log *log)
{
    sim_log_truncate(log, 0);
    free(log->records);
}

int64_t sim_log_append(struct sim_log *log, struct sim_record *record, int64_t now_us)
{
    if (log->end == log->capacity) {
        log->capacity = log->capacity == 0 ? 64 : log->capacity * 2;
        log->records = realloc(log->records, (size_t)log->capacity * sizeof(struct sim_record *));
        assert(log->records != NULL);
    }
    record->append_time_us = now_us;
    log->records[log->end] = record;
    return log->end++;
}

void sim_log_truncate(struct sim_log *log, int64_t end)
{
    while (log->end > end)
        free(log->records[--log->end]);
}
