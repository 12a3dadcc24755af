/* Processes that die, hosts that crash, disks that are full, files that are not what they were. */
#include "lib/index/data_file.h"
#include "lib/index/opening.h"
#include "tests/lib/index/index_room.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct text one = TEXT("1"), two = TEXT("2");

static void commit_and_flush(struct room *room, const char *key, const char *value)
{
    commit(room->orders, key, value);
    index_acknowledge(room->orders, one);
    flush(room);
}

static void data_path(const struct room *room, char ret_path[static 128])
{
    snprintf(ret_path, 128, "%s/data.mdb", room->path);
}

static void closing_flushes(void **state)
{
    struct room *room = *state;
    commit(room->orders, "a", "acknowledged");
    commit(room->orders, "b", "only sealed");
    index_acknowledge(room->orders, one);
    room_reopen(room);
    assert_false(room->wiped);
    assert_found(room->orders, "a", "acknowledged");
    assert_absent(room->orders, "b");
    assert_position(room->orders, "1");
}

static void a_fresh_folder_is_not_called_wiped(void **state)
{
    struct room *room = *state;
    assert_false(room->wiped);
}

static void another_format_is_wiped(void **state)
{
    struct room *room = *state;
    commit_and_flush(room, "a", "1");
    room->options.format = 2;
    room_reopen(room);
    assert_true(room->wiped);
    assert_absent(room->orders, "a");
    assert_int_equal(index_position(room->orders).size, 0);
    room_reopen(room);
    assert_false(room->wiped);
}

static void a_second_opening_is_refused(void **state)
{
    struct room *room = *state;
    struct error error;
    assert_null(index_open_in_boot(&room->options, room->boot_path, NULL, &error));
    assert_int_equal(error.fault, FAULT_INDEX_FAILED);
    commit_and_flush(room, "a", "still works");
    assert_found(room->orders, "a", "still works");
}

/* Runs in a child that never returns; what it opens is left as a killed process leaves it. */
static void in_killed_process(struct room *room, void (*work)(struct room *room))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(room);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void open_and_commit(struct room *room)
{
    room_open(room);
    commit_and_flush(room, "a", "1");
}

static void a_killed_process_leaves_a_valid_index(void **state)
{
    struct room *room = *state;
    room_close(room);
    in_killed_process(room, open_and_commit);
    room_open(room);
    assert_false(room->wiped);
    assert_found(room->orders, "a", "1");
}

static void a_crashed_host_leaves_an_index_to_be_wiped(void **state)
{
    struct room *room = *state;
    room_close(room);
    in_killed_process(room, open_and_commit);
    room_set_boot(room, "5e9c5f5c-0002");
    room_open(room);
    assert_true(room->wiped);
    assert_absent(room->orders, "a");
    assert_int_equal(index_position(room->orders).size, 0);
}

static void a_restarted_host_keeps_what_was_closed(void **state)
{
    struct room *room = *state;
    commit_and_flush(room, "a", "1");
    room_close(room);
    room_set_boot(room, "5e9c5f5c-0002");
    room_open(room);
    assert_false(room->wiped);
    assert_found(room->orders, "a", "1");
}

#define KILLED_KEYS 7

/* Commit i writes i under every key; after each flush the number of flushed commits is reported. */
static void commit_for_ever(struct room *room, int report)
{
    room_open(room);
    for (uint64_t i = 1;; i++) {
        struct text value = {.bytes = (const char *)&i, .size = sizeof i};
        char key[2] = "a";
        struct error error;
        for (; key[0] < 'a' + KILLED_KEYS; key[0]++)
            if (!index_put(room->orders, INDEX_ROOTS, text_of(key), value, &error) ||
                !index_put(room->orders, INDEX_EVENTS, value, value, &error))
                _exit(1);
        index_seal(room->orders);
        index_acknowledge(room->orders, value);
        if (i % 5 != 0)
            continue;
        if (!index_flush(room->index, &error) || write(report, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static uint64_t kill_after_reports(struct room *room, unsigned reports)
{
    int ends[2];
    uint64_t flushed = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        commit_for_ever(room, ends[1]);
    close(ends[1]);
    for (unsigned i = 0; i < reports; i++)
        assert_int_equal(read(ends[0], &flushed, sizeof flushed), sizeof flushed);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    return flushed;
}

static uint64_t number_of(struct text text)
{
    uint64_t number;
    assert_int_equal(text.size, sizeof number);
    memcpy(&number, text.bytes, sizeof number);
    return number;
}

static void a_process_killed_in_the_middle_leaves_whole_commits(void **state)
{
    struct room *room = *state;
    for (unsigned round = 1; round <= 30; round++) {
        room_close(room);
        uint64_t reported = kill_after_reports(room, round * 3);
        room_open(room);
        assert_false(room->wiped);
        uint64_t position = number_of(index_position(room->orders));
        assert_true(position >= reported);
        struct text value;
        struct error error;
        for (char key[2] = "a"; key[0] < 'a' + KILLED_KEYS; key[0]++) {
            assert_true(index_find(room->orders, INDEX_ROOTS, text_of(key), &value, &error));
            assert_true(number_of(value) == position);
        }
        struct text event = {.bytes = (const char *)&position, .size = sizeof position};
        assert_true(index_find(room->orders, INDEX_EVENTS, event, &value, &error));
        assert_true(number_of(value) == position);
    }
}

static void reopen_wiped(struct room *room)
{
    room_open(room);
    assert_true(room->wiped);
    assert_absent(room->orders, "a");
    commit_and_flush(room, "a", "again");
    room_reopen(room);
    assert_false(room->wiped);
    assert_found(room->orders, "a", "again");
}

static void fill(struct room *room)
{
    char key[16], value[1000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "%d", i);
        commit(room->orders, key, value);
        index_acknowledge(room->orders, one);
    }
    commit_and_flush(room, "a", "1");
}

static void a_truncated_file_is_wiped(void **state)
{
    struct room *room = *state;
    char path[128];
    data_path(room, path);
    for (off_t size = 1; size < 400000; size = size * 3 + 100) {
        fill(room);
        room_close(room);
        assert_int_equal(truncate(path, size), 0);
        reopen_wiped(room);
    }
}

static void a_file_that_lost_its_last_page_is_wiped(void **state)
{
    struct room *room = *state;
    struct stat file;
    char path[128];
    data_path(room, path);
    fill(room);
    room_close(room);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(truncate(path, file.st_size - 4096), 0);
    reopen_wiped(room);
}

static void a_file_padded_to_its_page_count_is_plausible(void **state)
{
    struct room *room = *state;
    struct stat file;
    char path[128];
    data_path(room, path);
    fill(room);
    room_close(room);
    int descriptor = open(path, O_RDWR);
    assert_true(descriptor >= 0);
    assert_int_equal(fstat(descriptor, &file), 0);
    assert_int_equal(ftruncate(descriptor, file.st_size - 1), 0);
    assert_false(data_file_plausible(descriptor));
    data_file_pad(descriptor, (uint64_t)file.st_size / 4096, 4096);
    assert_true(data_file_plausible(descriptor));
    data_file_pad(descriptor, 2, 4096); /* never shrinks */
    assert_true(data_file_plausible(descriptor));
    close(descriptor);
}

static void overwrite(const char *path, off_t offset, size_t size)
{
    int descriptor = open(path, O_WRONLY);
    assert_true(descriptor >= 0);
    for (size_t i = 0; i < size; i++) {
        char byte = (char)(i * 37 + 11);
        assert_int_equal(pwrite(descriptor, &byte, 1, offset + (off_t)i), 1);
    }
    close(descriptor);
}

static void garbage_in_the_meta_pages_is_wiped(void **state)
{
    struct room *room = *state;
    char path[128];
    data_path(room, path);
    const struct {
        off_t offset;
        size_t size;
    } damages[] = {{0, 8192}, {0, 64}, {4096, 64}, {16, 4}, {4096 + 20, 4}, {24 + 16, 4}};
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        fill(room);
        room_close(room);
        overwrite(path, damages[i].offset, damages[i].size);
        reopen_wiped(room);
    }
}

#define PAGE_SIZE      4096
#define ROOT_OF_NAMES  128 /* in a meta page; lib/index/data_file.c has the layout */
#define TRANSACTION_OF 144

static uint64_t read_number(int descriptor, off_t offset)
{
    uint64_t number;
    assert_int_equal(pread(descriptor, &number, sizeof number, offset), sizeof number);
    return number;
}

static off_t newest_root_of_names(int descriptor)
{
    bool second = read_number(descriptor, PAGE_SIZE + TRANSACTION_OF) >
                  read_number(descriptor, TRANSACTION_OF);
    return (off_t)read_number(descriptor, (second ? PAGE_SIZE : 0) + ROOT_OF_NAMES);
}

/* Both metas stay. */
static void empty_pages(const char *path, bool root_too)
{
    static const char nothing[PAGE_SIZE];
    struct stat file;
    int descriptor = open(path, O_RDWR);
    assert_true(descriptor >= 0 && fstat(descriptor, &file) == 0);
    off_t root = newest_root_of_names(descriptor);
    for (off_t page = 2; page < file.st_size / PAGE_SIZE; page++)
        if (root_too || page != root)
            assert_int_equal(pwrite(descriptor, nothing, PAGE_SIZE, page * PAGE_SIZE), PAGE_SIZE);
    close(descriptor);
}

static void emptied_pages_are_found_when_opening_and_wiped(void **state)
{
    struct room *room = *state;
    char path[128];
    data_path(room, path);
    for (int root_too = 0; root_too < 2; root_too++) {
        fill(room);
        room_close(room);
        empty_pages(path, root_too == 1);
        reopen_wiped(room);
    }
}

static void pages_emptied_while_open_are_a_fault_and_wiped_next_time(void **state)
{
    struct room *room = *state;
    struct error error;
    struct text value;
    char path[128];
    data_path(room, path);
    fill(room);
    empty_pages(path, false);
    assert_false(index_find(room->orders, INDEX_ROOTS, (struct text)TEXT("a"), &value, &error));
    assert_int_equal(error.fault, FAULT_INDEX_FAILED);
    room_close(room);
    reopen_wiped(room);
}

static void a_missing_or_foreign_mark_means_wiping(void **state)
{
    struct room *room = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/mark", room->path);
    fill(room);
    room_close(room);
    assert_int_equal(unlink(path), 0);
    reopen_wiped(room);
    room_close(room);
    overwrite(path, 0, 40);
    reopen_wiped(room);
    room_close(room);
    data_path(room, path);
    assert_int_equal(unlink(path), 0);
    reopen_wiped(room);
}

/* Stages commits until a flush fails; the number of commits staged by then. */
static int fill_the_disk(struct room *room, struct error *error)
{
    char key[16], value[1000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "%d", i);
        commit(room->orders, key, value);
        index_acknowledge(room->orders, i % 2 == 0 ? one : two);
        if (i % 100 == 99 && !index_flush(room->index, error))
            return i + 1;
    }
    fail_msg("the disk never filled up");
    return 0;
}

static void assert_all_found(struct room *room, int count)
{
    struct error error;
    struct text value;
    char key[16];
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_true(index_find(room->orders, INDEX_ROOTS, text_of(key), &value, &error));
        assert_int_equal(value.size, 999);
    }
}

static void a_full_disk_loses_nothing(void **state)
{
    struct room *room = *state;
    struct error error;
    char small[128];

    snprintf(small, sizeof small, "%s/small", room->folder);
    assert_int_equal(mkdir(small, 0700), 0);
    if (mount("tmpfs", small, "tmpfs", 0, "size=2m") != 0)
        skip();
    room_close(room);
    snprintf(room->path, sizeof room->path, "%s/small/index", room->folder);
    room_open(room);

    char ballast[160];
    snprintf(ballast, sizeof ballast, "%s/ballast", small);
    int descriptor = open(ballast, O_CREAT | O_WRONLY, 0600);
    assert_true(descriptor >= 0 && posix_fallocate(descriptor, 0, 1 << 20) == 0);
    close(descriptor);

    int count = fill_the_disk(room, &error);
    assert_int_equal(error.fault, FAULT_INDEX_FAILED);
    assert_int_equal(index_unflushed(room->index), 100);
    assert_all_found(room, count);
    assert_false(index_flush(room->index, &error));
    assert_int_equal(unlink(ballast), 0);
    flush(room);
    assert_int_equal(index_unflushed(room->index), 0);
    room_reopen(room);
    assert_false(room->wiped);
    assert_all_found(room, count);
    assert_position(room->orders, "2");
    room_close(room);
    assert_int_equal(umount2(small, MNT_DETACH), 0);
}

static void a_file_at_its_size_limit_loses_nothing(void **state)
{
    struct room *room = *state;
    struct error error;
    struct rlimit before, limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int count = fill_the_disk(room, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    assert_int_equal(error.fault, FAULT_INDEX_FAILED);
    assert_all_found(room, count);
    flush(room);
    room_reopen(room);
    assert_false(room->wiped);
    assert_all_found(room, count);
}

static void a_folder_that_cannot_be_made_is_a_fault(void **state)
{
    struct room *room = *state;
    struct error error;
    struct index_options options = room->options;
    options.path = room->boot_path; /* a file */
    assert_null(index_open_in_boot(&options, room->boot_path, NULL, &error));
    assert_int_equal(error.fault, FAULT_INDEX_FAILED);
    options.path = "";
    assert_null(index_open_in_boot(&options, room->boot_path, NULL, &error));
    room_close(room);
    assert_null(index_open_in_boot(&room->options, "/nowhere/boot_id", NULL, &error));
    assert_int_equal(error.fault, FAULT_INDEX_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, room_setup, room_teardown)
        TEST(closing_flushes),
        TEST(a_fresh_folder_is_not_called_wiped),
        TEST(another_format_is_wiped),
        TEST(a_second_opening_is_refused),
        TEST(a_killed_process_leaves_a_valid_index),
        TEST(a_crashed_host_leaves_an_index_to_be_wiped),
        TEST(a_restarted_host_keeps_what_was_closed),
        TEST(a_process_killed_in_the_middle_leaves_whole_commits),
        TEST(a_truncated_file_is_wiped),
        TEST(a_file_that_lost_its_last_page_is_wiped),
        TEST(a_file_padded_to_its_page_count_is_plausible),
        TEST(garbage_in_the_meta_pages_is_wiped),
        TEST(emptied_pages_are_found_when_opening_and_wiped),
        TEST(pages_emptied_while_open_are_a_fault_and_wiped_next_time),
        TEST(a_missing_or_foreign_mark_means_wiping),
        TEST(a_full_disk_loses_nothing),
        TEST(a_file_at_its_size_limit_loses_nothing),
        TEST(a_folder_that_cannot_be_made_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
