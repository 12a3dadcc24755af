/* Random operations against a plain model: the flushed values, and a list of commits each holding a
 * whole copy of its context's values. After each step one key is compared, now and then all. */
#include "tests/lib/index/index_room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPERATIONS  100000
#define KEYS        24
#define TABLES      2
#define COMMITS_MAX 64
#define VALUES      (KEYS * TABLES)

/* 0: absent; else the value is this number, repeated number % 200 times */
struct values {
    unsigned of[VALUES];
};

struct model_context {
    struct index_context **real;
    struct values flushed;
    struct values commits[COMMITS_MAX];
    size_t sealed, acknowledged;
    struct values staged;
    unsigned reached, stored; /* positions */
};

struct model {
    struct room *room;
    struct model_context contexts[2];
    unsigned drawn;
    uint64_t state;
};

static unsigned draw(struct model *model, unsigned below)
{
    model->state = model->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(model->state >> 33) % below;
}

static const struct values *latest_sealed(const struct model_context *context)
{
    return context->sealed > 0 ? &context->commits[context->sealed - 1] : &context->flushed;
}

static size_t print_value(unsigned number, char ret_bytes[static 2000])
{
    size_t size = 0;
    for (unsigned i = 0; i < number % 200; i++)
        size += (size_t)snprintf(ret_bytes + size, 2000 - size, "%u.", number);
    return size;
}

static size_t print_key(size_t slot, char ret_bytes[static 400])
{
    size_t size = 1 + slot % KEYS * 16;
    memset(ret_bytes, (int)('a' + slot % KEYS), size);
    return size;
}

static void compare_slot(const struct model_context *context, size_t slot)
{
    char key[400], expected[2000];
    struct text found;
    struct error error;
    unsigned number = context->staged.of[slot];

    struct text name = {.bytes = key, .size = print_key(slot, key)};
    if (!index_find(*context->real, (enum index_table)(slot / KEYS), name, &found, &error))
        fail_msg("%s", error.detail);
    if (number == 0) {
        assert_null(found.bytes);
        return;
    }
    assert_non_null(found.bytes);
    assert_int_equal(found.size, print_value(number, expected));
    assert_memory_equal(found.bytes, expected, found.size);
}

static void put_random(struct model *model, struct model_context *context)
{
    char key[400], value[2000];
    struct error error;
    size_t slot = draw(model, VALUES);
    unsigned number = draw(model, 4) == 0 ? 0 : ++model->drawn;

    struct text name = {.bytes = key, .size = print_key(slot, key)};
    struct text content = {.bytes = number > 0 ? value : NULL, .size = print_value(number, value)};
    if (!index_put(*context->real, (enum index_table)(slot / KEYS), name, content, &error))
        fail_msg("%s", error.detail);
    context->staged.of[slot] = number;
}

static void seal(struct model_context *context)
{
    if (context->sealed == COMMITS_MAX)
        return;
    index_seal(*context->real);
    context->commits[context->sealed++] = context->staged;
}

static void abandon(struct model_context *context)
{
    index_abandon(*context->real);
    context->staged = *latest_sealed(context);
}

static void forget(struct model_context *context)
{
    index_forget(*context->real);
    context->sealed = context->acknowledged;
    context->staged = *latest_sealed(context);
}

static void acknowledge(struct model *model, struct model_context *context)
{
    context->reached = ++model->drawn;
    struct text position = {.bytes = (char *)&context->reached, .size = sizeof context->reached};
    if (context->acknowledged < context->sealed) {
        index_acknowledge(*context->real, position);
        context->acknowledged++;
    } else {
        index_advance(*context->real, position);
    }
}

static void model_flush(struct model *model)
{
    for (size_t i = 0; i < 2; i++) {
        struct model_context *context = &model->contexts[i];
        if (context->acknowledged > 0)
            context->flushed = context->commits[context->acknowledged - 1];
        context->sealed -= context->acknowledged;
        memmove(context->commits, context->commits + context->acknowledged,
                context->sealed * sizeof context->commits[0]);
        context->acknowledged = 0;
        context->stored = context->reached;
    }
}

static void compare_all(const struct model *model)
{
    size_t acknowledged = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct model_context *context = &model->contexts[i];
        for (size_t slot = 0; slot < VALUES; slot++)
            compare_slot(context, slot);
        struct text position = index_position(*context->real);
        assert_int_equal(position.size, context->stored == 0 ? 0 : sizeof context->stored);
        assert_memory_equal(position.bytes, &context->stored, position.size);
        acknowledged += context->acknowledged;
    }
    assert_int_equal(index_unflushed(model->room->index), acknowledged);
}

static void reopen(struct model *model)
{
    room_reopen(model->room);
    assert_false(model->room->wiped);
    model_flush(model);
    for (size_t i = 0; i < 2; i++) {
        model->contexts[i].sealed = 0;
        model->contexts[i].staged = model->contexts[i].flushed;
    }
    compare_all(model);
    assert_int_equal(index_overlay_bytes(model->room->index), 0);
}

static void operate(struct model *model)
{
    struct model_context *context = &model->contexts[draw(model, 2)];
    unsigned dice = draw(model, 1000);

    if (dice < 500)
        put_random(model, context);
    else if (dice < 700)
        seal(context);
    else if (dice < 880)
        acknowledge(model, context);
    else if (dice < 920)
        abandon(context);
    else if (dice < 940)
        forget(context);
    else if (dice < 998) {
        flush(model->room);
        model_flush(model);
    } else {
        reopen(model);
    }
    compare_slot(context, draw(model, VALUES));
}

static void the_index_does_what_a_plain_model_does(void **state)
{
    struct room *room = *state;
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->room = room;
    model->contexts[0].real = &room->orders;
    model->contexts[1].real = &room->catalog;
    for (unsigned i = 0; i < OPERATIONS; i++) {
        operate(model);
        if (i % 100 == 0)
            compare_all(model);
    }
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_index_does_what_a_plain_model_does, room_setup,
                                        room_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
