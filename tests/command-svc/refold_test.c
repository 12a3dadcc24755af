/* A process whose aggregate has another revision finds states that the former one has folded. */
#include "command-svc/catalog/product.h"
#include "command-svc/store.h"
#include "lib/core/id.h"
#include "lib/record/avro.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LATTE        "0198c5a0-0000-7000-8000-000000000001"
#define LATTE_TOO    "0198c5a0-0000-7000-8000-0000000000010" /* begins as the other */
#define FOLDERS_OPEN 8
#define LONG         3000
#define POSITION     ((struct text)TEXT("here"))

static char folder[64];
static struct index *index_opened;
static struct store store;
static struct buffer scratch;
static struct arena arena;
static int64_t place;

/* revised/product_next.c */
extern const struct aggregate product_before;

static const struct aggregate *aggregates[] = {&product_before, NULL};
static const struct context catalog = {
    .name = "catalog",
    .aggregates = aggregates,
    .events = catalog_events,
};

static void open_index(void)
{
    static const char *const names[] = {"catalog", NULL};
    struct index_options options = {
        .path = folder,
        .contexts = names,
        .map_size_bytes = 1 << 20,
        .overlay_bytes_max = 16 << 20,
        .format = store_format(),
    };
    struct error error;
    bool wiped;

    index_opened = index_open(&options, &wiped, &error);
    assert_non_null(index_opened);
    assert_false(wiped);
    store.index = index_context(index_opened, "catalog");
}

static void restart_as(const struct aggregate *aggregate)
{
    index_close(index_opened);
    aggregates[0] = aggregate;
    open_index();
}

static int start(void **unused)
{
    (void)unused;
    snprintf(folder, sizeof(folder), "/tmp/sijang-refold-XXXXXX");
    assert_non_null(mkdtemp(folder));
    aggregates[0] = &product_before;
    place = 0;
    arena_init(&arena, 1 << 20);
    buffer_init(&scratch, STORE_VALUE_BYTES_MAX);
    store = (struct store){.context = &catalog, .scratch = &scratch};
    open_index();
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat, (void)kind, (void)walk;
    return remove(path);
}

static int finish(void **unused)
{
    (void)unused;
    index_close(index_opened);
    nftw(folder, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
    buffer_done(&scratch);
    arena_done(&arena);
    return 0;
}

static void settle(void)
{
    index_seal(store.index);
    index_acknowledge(store.index, POSITION);
}

static void flush(void)
{
    assert_true(index_flush(index_opened, NULL));
}

static struct loaded load(const char *id, const char *part)
{
    struct loaded loaded = {.aggregate = aggregates[0], .id = text_of(id)};
    struct error error;

    if (part != NULL)
        loaded.part_id = text_of(part);
    if (!store_load(&store, &loaded, &arena, &error))
        fail_msg("%s", error.detail);
    return loaded;
}

/* A commit of one event. */
static void happens(const char *id, const struct record *record, const void *value)
{
    struct buffer CLEANUP(buffer_done) payload;
    struct loaded loaded = load(id, NULL);
    buffer_init(&payload, STORE_VALUE_BYTES_MAX);
    avro_encode_framed(record, value, &payload);
    struct log_event envelope = {
        .id = uuid_v7(),
        .type = text_of(record->full_name),
        .subject = text_of(id),
        .version = loaded.version + 1,
        .command_id = uuid_v7(),
        .payload = buffer_text(&payload),
        .offset = ++place,
    };
    struct recorded_event event = {
        .envelope = &envelope,
        .kind = store_event_kind(&store, record),
        .value = value,
        .place = place,
    };

    assert_true(store_stage(&store, &loaded, &event, 1, &arena, NULL));
    settle();
    arena_reset(&arena);
}

static void is_listed(const char *id, int64_t stock)
{
    struct product_listed listed = {.seller_id = TEXT("anna"), .title = TEXT("Latte")};
    struct stock_adjusted adjusted = {.delta = stock, .reason = TEXT("first")};

    happens(id, &product_listed_record, &listed);
    happens(id, &stock_adjusted_record, &adjusted);
}

static void is_reserved(const char *id, const char *reservation)
{
    struct stock_reserved reserved = {.reservation_id = text_of(reservation), .quantity = 1};

    happens(id, &stock_reserved_record, &reserved);
}

static void is_released(const char *id, const char *reservation)
{
    struct reservation_released released = {.reservation_id = text_of(reservation), .quantity = 1};

    happens(id, &reservation_released_record, &released);
}

static void expect(const char *id, int64_t version, int64_t reserved)
{
    struct loaded loaded = load(id, NULL);
    const struct product *product = loaded.root;

    assert_int_equal(loaded.version, version);
    assert_int_equal(product->reserved, reserved);
    assert_true(text_is(product->seller_id, "anna"));
}

static bool has_part(const char *id, const char *part)
{
    return load(id, part).slot.present;
}

static void another_revision_is_folded_again_from_the_index(void **unused)
{
    (void)unused;
    is_listed(LATTE, 5);
    is_reserved(LATTE, "r1");
    flush();
    restart_as(&product_aggregate);
    expect(LATTE, 3, 2);
    assert_true(has_part(LATTE, "r1"));
    assert_true(text_equal(index_position(store.index), POSITION));
    is_reserved(LATTE, "r2");
    expect(LATTE, 4, 4);
}

static void parts_that_are_no_longer_made_are_gone(void **unused)
{
    (void)unused;
    is_listed(LATTE, 5);
    is_listed(LATTE_TOO, 5);
    is_reserved(LATTE, "r1");
    is_reserved(LATTE, "r2");
    is_released(LATTE, "r1");
    is_reserved(LATTE_TOO, "r1");
    is_released(LATTE_TOO, "r1");
    flush();
    assert_true(has_part(LATTE, "r1"));
    restart_as(&product_aggregate);
    assert_false(has_part(LATTE, "r1"));
    assert_true(has_part(LATTE, "r2"));
    restart_as(&product_before);
    assert_true(has_part(LATTE, "r1"));
    assert_true(has_part(LATTE_TOO, "r1")); /* no one has folded that again */
}

static void the_former_revision_folds_again_as_well(void **unused)
{
    (void)unused;
    is_listed(LATTE, 5);
    is_reserved(LATTE, "r1");
    is_released(LATTE, "r1");
    flush();
    restart_as(&product_aggregate);
    expect(LATTE, 4, 1);
    restart_as(&product_before);
    expect(LATTE, 4, 0);
    assert_true(has_part(LATTE, "r1"));
}

/* In pieces, and once more from the start when the file has to grow. */
static void a_stream_may_be_longer_than_a_piece(void **unused)
{
    char name[32];

    (void)unused;
    is_listed(LATTE, LONG);
    for (int i = 0; i < LONG; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        is_reserved(LATTE, name);
    }
    flush();
    restart_as(&product_aggregate);
    expect(LATTE, LONG + 2, 2 * LONG);
    assert_true(has_part(LATTE, "r0") && has_part(LATTE, name));
}

static void what_others_have_staged_is_left_alone(void **unused)
{
    (void)unused;
    is_listed(LATTE, 5);
    is_reserved(LATTE, "r1");
    flush();
    restart_as(&product_aggregate);
    is_listed(LATTE_TOO, 5);
    is_reserved(LATTE_TOO, "r1");
    expect(LATTE, 3, 2);
    expect(LATTE_TOO, 3, 2);
    index_forget(store.index);
    expect(LATTE, 3, 2);
    flush();
    expect(LATTE_TOO, 3, 2);
}

static void what_cannot_be_folded_stays_as_it_was(void **unused)
{
    static const char first[] = "product/" LATTE "\0\0\0\0\0\0\0\0\1";
    struct loaded loaded = {.aggregate = &product_aggregate, .id = TEXT(LATTE)};
    struct error error;

    (void)unused;
    is_listed(LATTE, 5);
    is_reserved(LATTE, "r1");
    assert_true(index_put(store.index, INDEX_EVENTS, (struct text){first, sizeof(first) - 1},
                          (struct text){0}, NULL));
    settle();
    flush();
    restart_as(&product_aggregate);
    assert_false(store_load(&store, &loaded, &arena, &error));
    assert_int_equal(error.fault, FAULT_INDEX_FAILED);
    assert_non_null(strstr(error.detail, "folding product/" LATTE " again: version 1: "));
    restart_as(&product_before);
    expect(LATTE, 3, 1);
    assert_true(has_part(LATTE, "r1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(another_revision_is_folded_again_from_the_index),
        TEST(parts_that_are_no_longer_made_are_gone),
        TEST(the_former_revision_folds_again_as_well),
        TEST(a_stream_may_be_longer_than_a_piece),
        TEST(what_others_have_staged_is_left_alone),
        TEST(what_cannot_be_folded_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
