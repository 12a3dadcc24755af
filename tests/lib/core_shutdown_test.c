/* The orderly end: by signal and by request. Each case is a process of its own, for the state is
 * too. */
#include "lib/core/shutdown.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_child_succeeds(bool (*body)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        shutdown_prepare();
        _exit(body() ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool wait_without_cause(void)
{
    return !shutdown_wait(0) && !shutdown_wait(20);
}

static bool wait_after_sigterm(void)
{
    kill(getpid(), SIGTERM);
    return shutdown_wait(-1) && shutdown_wait(0);
}

static bool wait_after_sigint(void)
{
    kill(getpid(), SIGINT);
    return shutdown_wait(-1);
}

static bool survive_sigpipe(void)
{
    return raise(SIGPIPE) == 0 && !shutdown_wait(0);
}

static void *wait_for_ever(void *unused)
{
    (void)unused;
    return shutdown_wait(-1) ? "woken" : NULL;
}

static bool wake_two_waiters(void)
{
    pthread_t waiters[2];
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&waiters[i], NULL, wait_for_ever, NULL) != 0)
            return false;
    }
    shutdown_request();
    shutdown_request();
    for (int i = 0; i < 2; i++) {
        void *woken = NULL;
        if (pthread_join(waiters[i], &woken) != 0 || woken == NULL)
            return false;
    }
    return true;
}

static void nothing_happens_until_asked(void **unused)
{
    (void)unused;
    assert_child_succeeds(wait_without_cause);
}

static void a_signal_ends_the_wait_for_good(void **unused)
{
    (void)unused;
    assert_child_succeeds(wait_after_sigterm);
    assert_child_succeeds(wait_after_sigint);
}

static void a_broken_pipe_is_no_reason_to_stop(void **unused)
{
    (void)unused;
    assert_child_succeeds(survive_sigpipe);
}

static void a_request_wakes_every_waiter(void **unused)
{
    (void)unused;
    assert_child_succeeds(wake_two_waiters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_happens_until_asked),
        cmocka_unit_test(a_signal_ends_the_wait_for_good),
        cmocka_unit_test(a_broken_pipe_is_no_reason_to_stop),
        cmocka_unit_test(a_request_wakes_every_waiter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
