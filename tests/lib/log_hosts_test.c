/* Deployments that host the same context: the first one keeps it, until it is gone. */
#include "lib/log/owners.h"

#include "lib/log/port.h"
#include "tests/support/sim_broker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SPEAKERS_MAX 3
#define SECOND_US    INT64_C(1000000)

struct speaker {
    struct log_port *port;
    struct owners *owners;
};

static const char *const contexts[] = {"catalog", "orders", NULL};
static struct sim_broker *broker;
static struct speaker speakers[SPEAKERS_MAX];
static size_t speaker_count;

static struct speaker *start(const char *deployment)
{
    struct speaker *speaker = &speakers[speaker_count++];
    struct owners_options options = {
        .contexts = contexts,
        .partition_count = 1,
        .address = "10.0.0.1:8081",
        .incarnation = {{(uint8_t)speaker_count}},
        .deployment = deployment,
        .hosted = contexts,
    };

    speaker->port = sim_port_create(broker);
    speaker->owners = owners_create(speaker->port, &options, NULL);
    assert_non_null(speaker->owners);
    return speaker;
}

static void end(struct speaker *speaker)
{
    speaker->owners = owners_destroy(speaker->owners);
    sim_port_destroy(speaker->port);
}

static int set_up(void **unused)
{
    (void)unused;
    speaker_count = 0;
    broker = sim_broker_create(1);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < speaker_count; i++)
        if (speakers[i].owners != NULL)
            end(&speakers[i]);
    sim_broker_destroy(broker);
    return 0;
}

static void turn_all(void)
{
    size_t count = 1;

    while (count > 0) {
        count = 0;
        for (size_t i = 0; i < speaker_count; i++)
            if (speakers[i].owners != NULL)
                count += owners_turn(speakers[i].owners);
    }
}

static void pass(int64_t duration_us)
{
    for (int64_t passed = 0; passed < duration_us; passed += SECOND_US / 10) {
        turn_all();
        sim_broker_pass(broker, SECOND_US / 10);
    }
    turn_all();
}

/* NULL: nobody is in the way. */
static void expect_other(const struct speaker *speaker, const char *other)
{
    char found[HOSTS_DEPLOYMENT_SIZE];
    bool may = owners_may_claim(speaker->owners, "catalog", found);

    assert_string_equal(found, other == NULL ? "" : other);
    assert_int_equal(may, other == NULL);
}

static void nothing_is_claimed_before_the_topic_was_read(void **unused)
{
    struct speaker *one = start("main");

    (void)unused;
    assert_false(owners_may_claim(one->owners, "catalog", NULL));
    turn_all();
    expect_other(one, NULL);
}

static void who_comes_second_stands_back_until_the_first_is_gone(void **unused)
{
    struct speaker *first = start("zebra");

    (void)unused;
    pass(SECOND_US);
    struct speaker *second = start("ant");
    pass(60 * SECOND_US);
    expect_other(first, NULL);
    expect_other(second, "zebra");
    end(first);
    pass(8 * SECOND_US);
    expect_other(second, "zebra");
    pass(4 * SECOND_US);
    expect_other(second, NULL);
    struct speaker *again = start("zebra");
    pass(4 * SECOND_US);
    expect_other(again, "ant");
    expect_other(second, NULL);
}

static void a_farewell_is_enough(void **unused)
{
    struct speaker *first = start("zebra");

    (void)unused;
    pass(SECOND_US);
    struct speaker *second = start("ant");
    pass(SECOND_US);
    expect_other(second, "zebra");
    owners_leave(first->owners);
    assert_false(owners_settled(first->owners));
    pass(2 * SECOND_US);
    assert_true(owners_settled(first->owners));
    expect_other(second, NULL);
}

static void a_farewell_of_one_process_is_none_of_its_deployment(void **unused)
{
    struct speaker *first = start("zebra");
    struct speaker *beside = start("zebra");

    (void)unused;
    pass(SECOND_US);
    struct speaker *second = start("ant");
    pass(SECOND_US);
    owners_leave(first->owners);
    pass(30 * SECOND_US);
    expect_other(second, "zebra");
    expect_other(beside, NULL);
}

static void say(struct hosts *hosts)
{
    struct buffer CLEANUP(buffer_done) key;

    buffer_init(&key, 1024);
    assert_true(hosts_are_due(hosts, SECOND_US) && hosts_write(hosts, 0, SECOND_US, &key));
}

/* Each has said it before it heard of the other. */
static void of_two_at_once_one_stands_back(void **unused)
{
    struct hosts zebra, ant;

    (void)unused;
    hosts_init(&zebra, "zebra", contexts);
    hosts_init(&ant, "ant", contexts);
    say(&zebra);
    say(&ant);
    assert_true(hosts_hear(&zebra, (struct text)TEXT("@catalog/ant"), true, 0, SECOND_US));
    assert_true(hosts_hear(&ant, (struct text)TEXT("@catalog/zebra"), true, 0, SECOND_US));
    assert_string_equal(hosts_find_other(&zebra, "catalog", 2 * SECOND_US), "ant");
    assert_null(hosts_find_other(&ant, "catalog", 2 * SECOND_US));
    assert_null(hosts_find_other(&zebra, "catalog", 20 * SECOND_US));
}

static void who_is_long_gone_is_in_nobodys_way(void **unused)
{
    struct speaker *first = start("zebra");

    (void)unused;
    pass(SECOND_US);
    end(first);
    sim_broker_pass(broker, 60 * SECOND_US);
    struct speaker *second = start("ant");
    turn_all();
    expect_other(second, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_claimed_before_the_topic_was_read),
        TEST(who_comes_second_stands_back_until_the_first_is_gone),
        TEST(a_farewell_is_enough),
        TEST(a_farewell_of_one_process_is_none_of_its_deployment),
        TEST(of_two_at_once_one_stands_back),
        TEST(who_is_long_gone_is_in_nobodys_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
