/* Small answers to fetches are taken some milliseconds apart. Asked again at once, a broker under
 * load answers with a record or two a thousand times a second, which costs it more than all else;
 * asked to wait for more bytes, it lets a lone record wait. So this side waits, and only after an
 * answer that came soon after the one before (docs/decisions/0006). */
#include "lib/core/clock.h"
#include "lib/log/kafka_client.h"
#include <stdint.h>
#include <time.h>

#define API_KEY_FETCH 1

static _Thread_local int64_t last_boot_us; /* a broker has a thread: its last answer with records */

static void sleep_us(int64_t duration_us)
{
    struct timespec left = {.tv_sec = duration_us / 1000000,
                            .tv_nsec = (long)(duration_us % 1000000) * 1000};

    (void)nanosleep(&left, NULL);
}

static rd_kafka_resp_err_t received(rd_kafka_t *client, int socket, const char *broker,
                                    int32_t broker_id, int16_t api_key, int16_t api_version,
                                    int32_t correlation_id, size_t size, int64_t round_trip_us,
                                    rd_kafka_resp_err_t code, void *self)
{
    const struct kafka_port *kafka = self;
    int64_t spacing_us = (int64_t)kafka->options.fetch_spacing_ms * 1000;

    (void)client, (void)socket, (void)broker, (void)broker_id, (void)api_version;
    (void)correlation_id;
    if (api_key != API_KEY_FETCH || code != RD_KAFKA_RESP_ERR_NO_ERROR ||
        round_trip_us >= KAFKA_FETCH_WAIT_US) /* the broker has waited: it brings nothing */
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t early_us = last_boot_us + spacing_us - clock_boot_us();
    if (size < KAFKA_FETCH_FULL_BYTES && early_us > 0 && early_us <= spacing_us)
        sleep_us(early_us);
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
    if (kafka->options.fetch_spacing_ms == 0 ||
        rd_kafka_conf_interceptor_add_on_new(conf, "spacing", begin, kafka) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    return error_set(error, FAULT_LOG_FAILED, "spacing fetches");
}
