/* Log lines: what is on them, and that lines of many threads stay whole. Standard error is a pipe
 * here. */
#include "lib/core/logger.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS      4
#define THREAD_LINES 8 /* together less than a pipe holds */

static int real_stderr;
static int read_end;

static int catch_stderr(void **unused)
{
    (void)unused;
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    real_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    read_end = ends[0];
    logger_start("tester", LOGGER_INFO);
    logger_set_request((struct text){0});
    return 0;
}

static int release_stderr(void **unused)
{
    (void)unused;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(read_end);
    return 0;
}

static size_t caught(char *lines, size_t size)
{
    assert_int_equal(fcntl(read_end, F_SETFL, O_NONBLOCK), 0);
    size_t used = 0;
    for (;;) {
        ssize_t count = read(read_end, lines + used, size - 1 - used);
        if (count <= 0)
            break;
        used += (size_t)count;
    }
    lines[used] = '\0';
    return used;
}

static void a_line_is_one_json_object_with_time_level_event_program_and_fields(void **unused)
{
    (void)unused;
    log_warning("disk_slow", LOG_STRING("path", "/a\"b\n"), LOG_NUMBER("waited_us", -5));
    char line[4096];
    size_t size = caught(line, sizeof(line));
    assert_memory_equal(line, "{\"time\":\"2", 10);
    assert_non_null(strstr(line, "Z\",\"level\":\"warning\",\"event\":\"disk_slow\",\"program\":"
                                 "\"tester\",\"path\":\"/a\\\"b\\n\",\"waited_us\":-5}\n"));
    assert_ptr_equal(strchr(line, '\n'), line + size - 1);
}

static void below_the_least_level_nothing_is_written(void **unused)
{
    (void)unused;
    log_debug("too_quiet", LOG_NONE);
    char line[4096];
    assert_int_equal(caught(line, sizeof(line)), 0);
}

static void the_threads_request_is_on_its_lines_until_cleared(void **unused)
{
    (void)unused;
    logger_set_request(text_of("req-1"));
    log_info("first", LOG_NONE);
    logger_set_request((struct text){0});
    log_info("second", LOG_NONE);
    char lines[4096];
    (void)caught(lines, sizeof(lines));
    assert_non_null(
        strstr(lines, "\"event\":\"first\",\"program\":\"tester\",\"request_id\":\"req-1\"}"));
    assert_non_null(strstr(lines, "\"event\":\"second\",\"program\":\"tester\"}"));
}

static void an_error_gives_its_code_and_detail(void **unused)
{
    (void)unused;
    struct error error;
    error_set(&error, FAULT_LOG_UNAVAILABLE, "broker 1");
    log_error("append_failed", LOG_ERROR(&error));
    char line[4096];
    (void)caught(line, sizeof(line));
    assert_non_null(strstr(line, "\"fault\":\"log_unavailable\",\"detail\":\"broker 1\"}"));
}

static void bytes_that_are_no_utf8_do_not_spoil_the_line(void **unused)
{
    (void)unused;
    log_info("odd", LOG_STRING("bytes", "a\xff\"z"), LOG_TEXT("absent", (struct text){0}));
    char line[4096];
    (void)caught(line, sizeof(line));
    assert_non_null(strstr(line, "\"bytes\":\"a\\ufffd\\ufffdz\",\"absent\":null}"));
    size_t size = strlen(line);
    assert_true(text_is_utf8((struct text){.bytes = line, .size = size}, NULL));
}

static void a_field_that_does_not_fit_is_left_out_and_the_line_says_so(void **unused)
{
    (void)unused;
    static char longer[10000];
    memset(longer, 'x', sizeof(longer) - 1);
    log_info("big", LOG_STRING("long", longer), LOG_NUMBER("after", 1));
    char line[16384];
    size_t size = caught(line, sizeof(line));
    assert_true(size <= 4096);
    assert_null(strstr(line, "xxx"));
    assert_non_null(strstr(line, "\"after\":1,\"truncated\":true}\n"));
}

static void *write_lines(void *unused)
{
    (void)unused;
    char text[1500];
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < THREAD_LINES; i++)
        log_info("crowded", LOG_STRING("text", text));
    return NULL;
}

static void lines_of_many_threads_stay_whole(void **unused)
{
    (void)unused;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    static char lines[65536 * 2];
    (void)caught(lines, sizeof(lines));
    int count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(lines, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        assert_memory_equal(line, "{\"time\":", 8);
        assert_string_equal(line + strlen(line) - 3, "y\"}");
        count++;
    }
    assert_int_equal(count, THREADS * THREAD_LINES);
}

#define CAUGHT(test) cmocka_unit_test_setup_teardown(test, catch_stderr, release_stderr)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAUGHT(a_line_is_one_json_object_with_time_level_event_program_and_fields),
        CAUGHT(below_the_least_level_nothing_is_written),
        CAUGHT(the_threads_request_is_on_its_lines_until_cleared),
        CAUGHT(an_error_gives_its_code_and_detail),
        CAUGHT(bytes_that_are_no_utf8_do_not_spoil_the_line),
        CAUGHT(a_field_that_does_not_fit_is_left_out_and_the_line_says_so),
        CAUGHT(lines_of_many_threads_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
