/* The seam between the claimed log and a broker: what librdkafka (kafka_port.c) and the simulated
 * broker of the tests both do. One writer or one reader uses a port, on one thread; nothing blocks
 * but `wait`. Time and chance come through it, so that a simulation owns them. */
#pragma once

#include "lib/core/error.h"
#include "lib/core/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_OFFSET_FIRST (-2) /* the oldest record there is */

struct log_header {
    struct text name;
    struct text value;
};

struct log_record {
    struct text key; /* absent: none */
    struct text value;
    const struct log_header *headers;
    size_t header_count;
};

enum log_report_kind {
    LOG_REPORT_APPENDED,      /* durable at .offset */
    LOG_REPORT_UNKNOWN,       /* may be in the log, or still come into it */
    LOG_REPORT_PRODUCER_LOST, /* nothing under way will be reported: recreate the producer */
};

struct log_report {
    enum log_report_kind kind;
    int32_t source; /* with token: not of PRODUCER_LOST */
    uint64_t token;
    int64_t offset;
    int64_t append_time_us; /* by the broker's clock; 0: not told */
};

enum log_message_kind {
    LOG_MESSAGE_RECORD,
    LOG_MESSAGE_END, /* everything before .offset has been delivered, nothing is there yet */
    LOG_MESSAGE_OUT_OF_RANGE, /* there is no record at the offset asked for; the fetch has ended */
    LOG_MESSAGE_DAMAGED,      /* the bytes at .offset fail their checksum */
};

/* Taken with poll, given back with release; its texts and headers are borrowed from it. */
struct log_message {
    enum log_message_kind kind;
    int32_t source;
    uint64_t fetch; /* which fetch it came through: what that function returned */
    int64_t offset;
    int64_t append_time_us;
    struct text key;
    struct text value;
    void *handle;  /* of the port; NULL: nothing to release */
    void *headers; /* of the port */
};

/* What a port promises: records of one source are appended in the order of produce, or not at all,
 * and reported in that order; a report with an offset is true; a fetch delivers every record from
 * its offset on, in order, or says OUT_OF_RANGE. It promises no more: others append too, reports
 * get lost, records reported as UNKNOWN may be in the log, or come into it later. */
struct log_port {
    /* Numbers topic/partition from 0, the same one always the same. */
    bool (*open)(struct log_port *port, const char *topic, int32_t partition, int32_t *ret_source,
                 struct error *error);

    /* Appends records one behind the other, copying them; the i-th is reported with first_token +
     * i. All or nothing is under way then. Faults: NOT_READY (topic not known yet, or no producer),
     * OVERLOADED, LOG_FAILED (no such partition). */
    bool (*produce)(struct log_port *port, int32_t source, const struct log_record *records,
                    size_t count, uint64_t first_token, struct error *error);
    size_t (*reports)(struct log_port *port, struct log_report *ret_reports, size_t max);
    /* After PRODUCER_LOST; what the old one still had under way may yet come into the log. */
    bool (*recreate_producer)(struct log_port *port, struct error *error);

    /* Delivers records from `offset` (or LOG_OFFSET_FIRST) on, in place of an earlier fetch of this
     * source. Numbers fetches from 1, never one twice. */
    uint64_t (*fetch)(struct log_port *port, int32_t source, int64_t offset);
    void (*fetch_stop)(struct log_port *port, int32_t source);
    size_t (*poll)(struct log_port *port, struct log_message *ret_messages, size_t max);
    /* False past the last header. Values may be absent. */
    bool (*header)(const struct log_port *port, const struct log_message *message, size_t index,
                   struct log_header *ret_header);
    void (*release)(struct log_port *port, struct log_message *message);
    /* The offset behind the newest record, as last heard while fetching; NONE if unknown. */
    int64_t (*end)(const struct log_port *port, int32_t source);
    bool (*connected)(const struct log_port *port); /* the broker answered lately */

    int64_t (*boot_us)(const struct log_port *port); /* monotonic */
    /* The host's clock, UTC: compared with append times, nothing else. */
    int64_t (*wall_us)(const struct log_port *port);
    uint64_t (*chance)(struct log_port *port); /* random bits */
    /* Until a report or message may be there, wake was called, or timeout. */
    void (*wait)(struct log_port *port, int timeout_ms);
    void (*wake)(struct log_port *port); /* any thread */
};
