/* An index in a temporary folder of its own. */
#include "tests/lib/index/index_room.h"

#include "lib/index/opening.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const context_names[] = {"orders", "catalog", NULL};

static void join(char *ret_path, size_t size, const char *folder, const char *name)
{
    int length = snprintf(ret_path, size, "%s/%s", folder, name);
    assert_true(length > 0 && (size_t)length < size);
}

void room_set_boot(struct room *room, const char *boot_id)
{
    FILE *file = fopen(room->boot_path, "w");
    assert_non_null(file);
    assert_true(fputs(boot_id, file) >= 0 && fputc('\n', file) == '\n');
    assert_int_equal(fclose(file), 0);
}

int room_setup(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    assert_non_null(room);
    join(room->folder, sizeof room->folder, "/tmp", "sijang-index-XXXXXX");
    assert_non_null(mkdtemp(room->folder));
    join(room->path, sizeof room->path, room->folder, "var/index");
    join(room->boot_path, sizeof room->boot_path, room->folder, "boot_id");
    room_set_boot(room, "5e9c5f5c-0001");
    room->options = (struct index_options){
        .path = room->path,
        .contexts = context_names,
        .map_size_bytes = 1 << 20,
        .overlay_bytes_max = 4 << 20,
        .format = 1,
    };
    room_open(room);
    *state = room;
    return 0;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat, (void)kind, (void)walk;
    return remove(path);
}

int room_teardown(void **state)
{
    struct room *room = *state;
    room_close(room);
    nftw(room->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(room);
    return 0;
}

void room_open(struct room *room)
{
    struct error error;
    room->index = index_open_in_boot(&room->options, room->boot_path, &room->wiped, &error);
    if (room->index == NULL)
        fail_msg("%s", error.detail);
    room->orders = index_context(room->index, "orders");
    room->catalog = index_context(room->index, "catalog");
}

void room_close(struct room *room)
{
    room->index = index_close(room->index);
}

void room_reopen(struct room *room)
{
    room_close(room);
    room_open(room);
}

void put(struct index_context *context, enum index_table table, const char *key, const char *value)
{
    struct error error;
    if (!index_put(context, table, text_of(key), text_of(value), &error))
        fail_msg("%s", error.detail);
}

void commit(struct index_context *context, const char *key, const char *value)
{
    put(context, INDEX_ROOTS, key, value);
    index_seal(context);
}

void flush(struct room *room)
{
    struct error error;
    if (!index_flush(room->index, &error))
        fail_msg("%s", error.detail);
}

static struct text find(struct index_context *context, const char *key)
{
    struct text value;
    struct error error;
    if (!index_find(context, INDEX_ROOTS, text_of(key), &value, &error))
        fail_msg("%s", error.detail);
    return value;
}

void assert_found(struct index_context *context, const char *key, const char *value)
{
    struct text found = find(context, key);
    if (!text_is(found, value))
        fail_msg("%s is \"%.*s\", not \"%s\"", key, TEXT_ARGS(found), value);
}

void assert_absent(struct index_context *context, const char *key)
{
    assert_null(find(context, key).bytes);
}

void assert_position(struct index_context *context, const char *position)
{
    assert_true(text_is(index_position(context), position));
}
