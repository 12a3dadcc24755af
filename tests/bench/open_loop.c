/* Load over HTTP at a constant rate of arrivals, whatever the answers do (or, without a rate, one
 * request after the other on each connection). Prints one JSON object. */
#include "tests/bench/load.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option options[] = {
    {"address", required_argument, NULL, 'a'},     {"body", required_argument, NULL, 'b'},
    {"connections", required_argument, NULL, 'c'}, {"ids", required_argument, NULL, 'i'},
    {"key", required_argument, NULL, 'k'},         {"method", required_argument, NULL, 'm'},
    {"path", required_argument, NULL, 'p'},        {"rate", required_argument, NULL, 'r'},
    {"seconds", required_argument, NULL, 's'},     {"token", required_argument, NULL, 't'},
    {"warm-up", required_argument, NULL, 'w'},     {0},
};

static void usage(void)
{
    fputs("open_loop --address HOST:PORT --path PATH [--method GET] [--body TEXT] [--token JWT]\n"
          "  [--key PREFIX of the Idempotency-Key] [--ids FILE] [--connections 1]\n"
          "  [--rate REQUESTS A SECOND; 0: closed loop] [--seconds 10] [--warm-up 1]\n"
          "In path and body {n} is the request's number, {id} a random line of the file.\n",
          stderr);
    exit(EXIT_FAILURE);
}

static void read_options(int argc, char **argv, struct load_plan *plan, struct id_list *ids)
{
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'a': plan->address = http_address(optarg); break;
        case 'b': plan->request.body = optarg; break;
        case 'c': plan->connections = atoi(optarg); break;
        case 'i':
            http_read_ids(optarg, ids);
            plan->request.ids = ids;
            break;
        case 'k': plan->request.key_prefix = optarg; break;
        case 'm': plan->request.method = optarg; break;
        case 'p': plan->request.path = optarg; break;
        case 'r': plan->rate = atof(optarg); break;
        case 's': plan->seconds = atof(optarg); break;
        case 't': plan->request.token = optarg; break;
        case 'w': plan->warm_up_s = atof(optarg); break;
        default: usage();
        }
    }
    if (plan->address.sin_port == 0 || plan->request.path == NULL || plan->connections < 1 ||
        plan->rate < 0 || plan->seconds <= 0 || plan->warm_up_s < 0 || optind != argc)
        usage();
}

int main(int argc, char **argv)
{
    struct load_plan plan = {
        .request.method = "GET", .connections = 1, .seconds = 10, .warm_up_s = 1};
    struct load_result result;
    struct id_list ids = {0};

    read_options(argc, argv, &plan, &ids);
    load_run(&plan, &result);
    uint64_t answered = result.latencies.count - result.unanswered;
    printf("{\"loop\":\"%s\",\"connections\":%d,\"rate_wanted\":%.1f,\"answered\":%llu,"
           "\"seconds\":%.3f,\"rate\":%.1f,",
           plan.rate > 0 ? "open" : "closed", plan.connections, plan.rate,
           (unsigned long long)answered, result.seconds,
           result.seconds > 0 ? (double)answered / result.seconds : 0);
    latencies_print(&result.latencies, "");
    printf(",\"status\":{\"2xx\":%llu,\"3xx\":%llu,\"4xx\":%llu,\"5xx\":%llu,\"other\":%llu},"
           "\"broken\":%llu,\"unanswered\":%llu}\n",
           (unsigned long long)result.by_class[2], (unsigned long long)result.by_class[3],
           (unsigned long long)result.by_class[4], (unsigned long long)result.by_class[5],
           (unsigned long long)(result.by_class[0] + result.by_class[1]),
           (unsigned long long)result.broken, (unsigned long long)result.unanswered);
    latencies_done(&result.latencies);
    http_free_ids(&ids);
    return EXIT_SUCCESS;
}
