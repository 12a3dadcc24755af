/* A plain producer of one record, and a hand inside our own. */
#include "tests/support/log_foreigner.h"

#include "lib/log/kafka_client.h"
#include <assert.h>
#include <string.h>

#define FLUSH_TIMEOUT_MS 30000

void foreigner_append(const char *brokers, const char *topic, int32_t partition, const char *value)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t set = rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    assert(set == RD_KAFKA_CONF_OK);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    assert(producer != NULL);
    rd_kafka_resp_err_t code =
        rd_kafka_producev(producer, RD_KAFKA_VTYPE_TOPIC, topic, RD_KAFKA_VTYPE_PARTITION,
                          partition, RD_KAFKA_VTYPE_MSGFLAGS, RD_KAFKA_MSG_F_COPY,
                          RD_KAFKA_VTYPE_VALUE, value, strlen(value), RD_KAFKA_VTYPE_END);
    assert(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    code = rd_kafka_flush(producer, FLUSH_TIMEOUT_MS);
    assert(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(producer);
}

void foreigner_break_producer(struct log_port *port)
{
    struct kafka_port *kafka = (struct kafka_port *)port;
    rd_kafka_resp_err_t code = rd_kafka_test_fatal_error(
        kafka->producer, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "as the test wants it");

    assert(code == RD_KAFKA_RESP_ERR_NO_ERROR);
}
