/* When answers to fetches are taken: small ones some milliseconds apart, because a broker under
 * load otherwise sends a record or two a thousand times a second (docs/decisions/0006); and none
 * while enough waits to be read. The client's own limit counts values only, a tenth of what a
 * record takes, and once it is reached the client does not look again for up to a second. */
#include "lib/core/clock.h"
#include "lib/core/condition.h"
#include "lib/log/kafka_client.h"
#include <stdint.h>
#include <time.h>

#define API_KEY_FETCH 1
#define ROOM_MS_MAX   1000 /* a reader that is busy for longer has the client's own limits */

static _Thread_local int64_t last_boot_us; /* a broker has a thread: its last answer with records */

static void sleep_us(int64_t duration_us)
{
    struct timespec left = {.tv_sec = duration_us / 1000000,
                            .tv_nsec = (long)(duration_us % 1000000) * 1000};

    (void)nanosleep(&left, NULL);
}

static bool is_full(struct kafka_port *kafka, size_t records_max)
{
    return rd_kafka_queue_length(kafka->messages) > records_max;
}

static void wait_for_room(struct kafka_port *kafka)
{
    size_t most = kafka->options.fetched_records_max;
    if (most == 0)
        return;
    struct timespec until = condition_deadline(ROOM_MS_MAX * INT64_C(1000));
    int timed_out = 0;
    (void)pthread_mutex_lock(&kafka->room_mutex);
    if (!kafka->ending && is_full(kafka, most)) {
        atomic_store(&kafka->room_is_short, true);
        while (!kafka->ending && timed_out == 0 && is_full(kafka, most / 2))
            timed_out = pthread_cond_timedwait(&kafka->room, &kafka->room_mutex, &until);
        atomic_store(&kafka->room_is_short, false);
    }
    (void)pthread_mutex_unlock(&kafka->room_mutex);
}

void kafka_note_room(struct kafka_port *kafka)
{
    if (!atomic_load(&kafka->room_is_short) ||
        is_full(kafka, kafka->options.fetched_records_max / 2))
        return;
    (void)pthread_mutex_lock(&kafka->room_mutex);
    (void)pthread_cond_broadcast(&kafka->room);
    (void)pthread_mutex_unlock(&kafka->room_mutex);
}

void kafka_end_room(struct kafka_port *kafka)
{
    (void)pthread_mutex_lock(&kafka->room_mutex);
    kafka->ending = true;
    (void)pthread_cond_broadcast(&kafka->room);
    (void)pthread_mutex_unlock(&kafka->room_mutex);
}

static rd_kafka_resp_err_t received(rd_kafka_t *client, int socket, const char *broker,
                                    int32_t broker_id, int16_t api_key, int16_t api_version,
                                    int32_t correlation_id, size_t size, int64_t round_trip_us,
                                    rd_kafka_resp_err_t code, void *self)
{
    struct kafka_port *kafka = self;
    int64_t spacing_us = (int64_t)kafka->options.fetch_spacing_ms * 1000;

    (void)client, (void)socket, (void)broker, (void)broker_id, (void)api_version;
    (void)correlation_id;
    if (api_key != API_KEY_FETCH || code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    if (round_trip_us >= KAFKA_FETCH_WAIT_US) { /* the broker has waited, or is slow */
        wait_for_room(kafka);
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    int64_t early_us = last_boot_us + spacing_us - clock_boot_us();
    if (size < KAFKA_FETCH_FULL_BYTES && early_us > 0 && early_us <= spacing_us)
        sleep_us(early_us);
    wait_for_room(kafka);
    last_boot_us = clock_boot_us();
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t begin(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *self,
                                 char *text, size_t size)
{
    (void)conf, (void)text, (void)size;
    return rd_kafka_interceptor_add_on_response_received(client, "spacing", received, self);
}

bool kafka_space_fetches(struct kafka_port *kafka, rd_kafka_conf_t *conf, struct error *error)
{
    bool wanted = kafka->options.fetch_spacing_ms > 0 || kafka->options.fetched_records_max > 0;
    if (!wanted || rd_kafka_conf_interceptor_add_on_new(conf, "spacing", begin, kafka) ==
                       RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    return error_set(error, FAULT_LOG_FAILED, "spacing fetches");
}
