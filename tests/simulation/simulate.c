/* simulate FIRST COUNT [--trace]: lives COUNT seeds from FIRST on, each in a process of its own,
 * and prints a line for each that fails. A seed always lives the same way. */
#include "lib/core/logger.h"
#include "tests/simulation/files.h"
#include "tests/simulation/world.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_A_SEED 120

static const char *folder_for_indexes(void)
{
    const char *wanted = getenv("TMPDIR");

    if (wanted != NULL)
        return wanted;
    return access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
}

/* Where many seeds are lived, each in its turn. */
struct stage {
    char folder[200];
    struct census *census; /* shared with the children */
    bool trace;
};

static _Noreturn void live(uint64_t seed, const struct stage *stage)
{
    logger_start("simulate", stage->trace ? LOGGER_INFO : LOGGER_ERROR);
    alarm(SECONDS_A_SEED);
    world_live(seed, stage->folder, stage->census, stage->trace);
    fflush(stdout);
    _exit(EXIT_SUCCESS); /* what killed processes left in memory is no leak */
}

/* False: it failed, and said so, or is said here to have been ended. */
static bool live_apart(uint64_t seed, const struct stage *stage)
{
    int status = 0;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        live(seed, stage);
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        perror("simulate");
        exit(2);
    }
    files_remove(stage->folder);
    mkdir(stage->folder, 0700);
    if (WIFSIGNALED(status))
        printf("seed %llu: ended by %s\n", (unsigned long long)seed, strsignal(WTERMSIG(status)));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct order {
    unsigned long long first, count;
    bool trace;         /* says what happens */
    bool until_failure; /* and no further */
};

static bool read_order(int argc, char **argv, struct order *order)
{
    *order = (struct order){0};
    if (argc < 3)
        return false;
    order->first = strtoull(argv[1], NULL, 10);
    order->count = strtoull(argv[2], NULL, 10);
    for (int i = 3; i < argc; i++) {
        order->trace = order->trace || strcmp(argv[i], "--trace") == 0;
        order->until_failure = order->until_failure || strcmp(argv[i], "--until-failure") == 0;
    }
    return order->count > 0;
}

static bool set_stage(struct stage *stage)
{
    snprintf(stage->folder, sizeof(stage->folder), "%s/sijang-simulation-XXXXXX",
             folder_for_indexes());
    stage->census = mmap(NULL, sizeof(*stage->census), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return mkdtemp(stage->folder) != NULL && stage->census != MAP_FAILED;
}

static void print_census(const struct census *census)
{
    printf("attempts %" PRIu64 ": done %" PRIu64 ", refused %" PRIu64 ", faulted %" PRIu64
           " (unknown %" PRIu64 "), misplaced %" PRIu64 ", lost %" PRIu64 "; commits %" PRIu64
           ", void records %" PRIu64 ", kills %" PRIu64 "\n",
           census->attempts, census->done, census->refused, census->faulted, census->unknown,
           census->misplaced, census->lost, census->commits, census->voids, census->kills);
}

int main(int argc, char **argv)
{
    struct order order;
    struct stage stage = {0};
    unsigned long long lived = 0, failed = 0;

    if (!read_order(argc, argv, &order)) {
        fprintf(stderr, "usage: simulate FIRST COUNT [--trace] [--until-failure]\n");
        return 2;
    }
    stage.trace = order.trace;
    if (!set_stage(&stage)) {
        perror("simulate");
        return 2;
    }
    for (; lived < order.count && !(failed > 0 && order.until_failure); lived++)
        failed += !live_apart(order.first + lived, &stage);
    files_remove(stage.folder);
    print_census(stage.census);
    printf("%llu seeds, %llu failed\n", lived, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
