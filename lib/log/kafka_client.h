/* The two librdkafka clients behind the Kafka port. Private to it. */
#pragma once

#include "lib/log/kafka_port.h"
#include "lib/log/port.h"
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

#define KAFKA_BATCH_MAX      1024
#define KAFKA_PARTITIONS_MAX 1024
#define KAFKA_UNREPORTED_MAX 64
#define KAFKA_NAME_SIZE      250 /* of a topic, with NUL */

struct kafka_topic {
    char name[KAFKA_NAME_SIZE];
    rd_kafka_topic_t *produced; /* NULL without a producer */
    rd_kafka_topic_t *consumed;
    int32_t partition_count;               /* as the producer knows it; 0: not known yet */
    int32_t sources[KAFKA_PARTITIONS_MAX]; /* by partition; -1: none */
    struct kafka_topic *next;
};

struct kafka_source {
    struct kafka_topic *topic;
    int32_t partition;
    uint64_t fetch; /* 0: none */
    int64_t at;     /* next offset to come; LOG_OFFSET_FIRST: not known yet */
    bool deferred;  /* to be started once the topics' leaders are known */
};

struct kafka_port {
    struct log_port port;
    struct kafka_port_options options; /* its texts are borrowed only while created */
    char *brokers;
    char *client_id;
    struct kafka_topic *topics;
    struct kafka_source *sources;
    int32_t source_count;
    int event_fd;
    atomic_bool woken; /* something was written to event_fd by wake and not read yet */

    rd_kafka_t *producer;
    rd_kafka_queue_t *reports;      /* its delivery reports and errors */
    rd_kafka_event_t *report_event; /* being handed out */
    rd_kafka_t *retired;            /* a lost producer, idle, destroyed when the next one is lost */
    bool producer_lost;
    size_t queued_bytes;
    struct log_report
        unreported[KAFKA_UNREPORTED_MAX]; /* what produce could not hand over half-way */
    size_t unreported_count;

    rd_kafka_t *consumer;
    pthread_mutex_t room_mutex;
    pthread_cond_t room;       /* messages were read, or it ends */
    atomic_bool room_is_short; /* the consumer's thread waits for it */
    bool ending;               /* room_mutex: the queue of messages is not looked at any more */
    rd_kafka_queue_t *messages;
    rd_kafka_queue_t *consumer_errors;
    rd_kafka_message_t *batch[KAFKA_BATCH_MAX];
    uint64_t fetches;
    bool connected;
    bool topics_known;    /* all opened ones, to the consumer */
    int64_t probe_due_us; /* no metadata request before */
};

/* A setting: value as text. Ends with a NULL name. */
struct kafka_setting {
    const char *name;
    const char *value;
};

rd_kafka_conf_t *kafka_conf(const struct kafka_port *kafka, const struct kafka_setting *settings,
                            struct error *error);
/* Both texts numbers of kilobytes, at least 1. */
struct text kafka_kilobytes(size_t bytes, char *end);
/* Wakes the thread in `wait` when the queue is no longer empty. */
void kafka_signal(struct kafka_port *kafka, rd_kafka_queue_t *queue);

MUST_CHECK bool kafka_producer_open(struct kafka_port *kafka, struct error *error);
void kafka_producer_close(struct kafka_port *kafka);
MUST_CHECK bool kafka_producer_open_topic(struct kafka_port *kafka, struct kafka_topic *topic,
                                          struct error *error);
rd_kafka_headers_t *kafka_make_headers(const struct log_record *record);
/* Asks for the partition counts not known yet; blocks shortly. False while some are missing. */
bool kafka_producer_warm_up(struct kafka_port *kafka, int timeout_ms);
bool kafka_produce(struct log_port *port, int32_t source, const struct log_record *records,
                   size_t count, uint64_t first_token, struct error *error);
size_t kafka_reports(struct log_port *port, struct log_report *ret_reports, size_t max);
bool kafka_recreate_producer(struct log_port *port, struct error *error);

MUST_CHECK bool kafka_consumer_open(struct kafka_port *kafka, struct error *error);
void kafka_consumer_close(struct kafka_port *kafka);
/* As options.fetch_spacing_ms and .fetched_records_max say; before the consumer is made of
 * `conf`. */
MUST_CHECK bool kafka_space_fetches(struct kafka_port *kafka, rd_kafka_conf_t *conf,
                                    struct error *error);
/* Some were read: the consumer's thread may go on. */
void kafka_note_room(struct kafka_port *kafka);
/* Before the queue of messages is destroyed: the consumer's thread lives on for a moment. */
void kafka_end_room(struct kafka_port *kafka);
MUST_CHECK bool kafka_consumer_open_topic(struct kafka_port *kafka, struct kafka_topic *topic,
                                          struct error *error);
/* Asks the broker whether it is there, if there is doubt; blocks shortly. */
void kafka_consumer_probe(struct kafka_port *kafka, int timeout_ms);
uint64_t kafka_fetch(struct log_port *port, int32_t source, int64_t offset);
void kafka_fetch_stop(struct log_port *port, int32_t source);
size_t kafka_poll(struct log_port *port, struct log_message *ret_messages, size_t max);
bool kafka_header(const struct log_port *port, const struct log_message *message, size_t index,
                  struct log_header *ret_header);
void kafka_release(struct log_port *port, struct log_message *message);
int64_t kafka_end(const struct log_port *port, int32_t source);
