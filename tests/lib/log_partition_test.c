/* Partitions agree with Kafka's Java client. */
#include "lib/log/partition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* From org.apache.kafka.common.utils.UtilsTest.testMurmur2. */
static const struct {
    const char *key;
    int32_t hash;
} vectors[] = {
    {"21", -973932308},
    {"foobar", -790332482},
    {"a-little-bit-long-string", -985981536},
    {"a-little-bit-longer-string", -1486304829},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
    {"abc", 479470107},
};

static void keys_hash_as_in_the_java_client(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        assert_int_equal((int32_t)log_murmur2(vectors[i].key, strlen(vectors[i].key)),
                         vectors[i].hash);
}

static void negative_hashes_lose_their_sign_bit(void **unused)
{
    struct text key = TEXT("21");

    (void)unused;
    assert_int_equal(log_partition_of(key, 8), (-973932308 & 0x7fffffff) % 8);
    assert_int_equal(log_partition_of(key, 7), (-973932308 & 0x7fffffff) % 7);
    assert_int_equal(log_partition_of(key, 1), 0);
}

static void an_empty_key_has_a_partition_too(void **unused)
{
    struct text key = TEXT("");

    (void)unused;
    assert_in_range(log_partition_of(key, 8), 0, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_hash_as_in_the_java_client),
        cmocka_unit_test(negative_hashes_lose_their_sign_bit),
        cmocka_unit_test(an_empty_key_has_a_partition_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
