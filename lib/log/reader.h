/* The readers' side of the claimed log: valid commits of some partitions, whole and in order, each
 * with the position behind it. One thread; nothing blocks but log_reader_poll. */
#pragma once

#include "lib/core/error.h"
#include "lib/log/envelope.h"
#include "lib/log/position.h"

struct log_reader;
struct log_port;

struct log_reader_statistics {
    int64_t records;  /* read from the log */
    int64_t events;   /* delivered */
    int64_t platform; /* claims and other platform records */
    int64_t voided;   /* zombies, gaps, copies, junk, cut-off commits */
};

struct log_reader_handler {
    void *self;
    /* A valid commit. Events are borrowed until the next log_reader_poll. */
    void (*commit)(void *self, int32_t source, const struct log_event *events, size_t count,
                   const struct log_position *after);
    /* The position moved over platform or void records alone. */
    void (*advanced)(void *self, int32_t source, const struct log_position *after);
    /* This partition cannot be read on (log replaced, truncated, retention passed); others can. */
    void (*stopped)(void *self, int32_t source, const struct error *error);
};

MUST_CHECK struct log_reader *log_reader_create(struct log_port *port,
                                                const struct log_reader_handler *handler,
                                                int32_t partition_count, struct error *error);
void log_reader_destroy(struct log_reader *reader);

struct log_reading {
    const char *topic;
    int32_t partition;
    const struct log_position *from;
};

/* Reads a partition from there on; *ret_source numbers it from 0 in order of attachment. The stored
 * position is compared with the log before anything is delivered. May be called again for the same
 * topic/partition to start over from another position (same source number). Copies the reading. */
MUST_CHECK bool log_reader_attach(struct log_reader *reader, const struct log_reading *reading,
                                  int32_t *ret_source, struct error *error);
/* Whoever stands at `position`, further on than where this source was attached, will skip what lies
 * before. The log must pass through it: stopped (LOG_REPLACED, LOG_TRUNCATED) if it does not. Until
 * the next attachment. Copies the position. */
MUST_CHECK bool log_reader_expect(struct log_reader *reader, int32_t source,
                                  const struct log_position *position, struct error *error);
/* Reads nothing more of it until it is attached again. */
void log_reader_detach(struct log_reader *reader, int32_t source);
/* Delivers what is there, waiting up to timeout_ms for the first. At most records_max records;
 * returns how many records were read. */
size_t log_reader_poll(struct log_reader *reader, size_t records_max, int timeout_ms);
/* True once every attached partition has been read to the end it had then. */
bool log_reader_at_end(const struct log_reader *reader);
bool log_reader_source_at_end(const struct log_reader *reader,
                              int32_t source); /* the same of one */
/* The end as last heard; NONE if unknown. */
int64_t log_reader_end(const struct log_reader *reader, int32_t source);
const struct log_position *log_reader_position(const struct log_reader *reader, int32_t source);
const struct log_reader_statistics *log_reader_statistics(const struct log_reader *reader);
/* The broker answered lately; false while it is away (readers wait, they do not fail). */
bool log_reader_connected(const struct log_reader *reader);
