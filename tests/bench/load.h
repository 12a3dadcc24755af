/* The load of one run: when requests are due, over how many connections, and what came of them. */
#pragma once

#include "tests/bench/http_exchange.h"
#include "tests/bench/latencies.h"

struct load_plan {
    struct sockaddr_in address;
    struct request_template request;
    int connections;
    double rate;    /* per second; 0: closed loop, the next request follows the answer */
    double seconds; /* measured, after the warm-up */
    double warm_up_s;
};

struct load_result {
    struct latencies latencies; /* from the time a request was due to its whole answer */
    uint64_t by_class[6];       /* answers by the first digit of the status */
    uint64_t broken;            /* connections that ended in the middle of a request */
    uint64_t unanswered;        /* due, but not answered when the run was over; in the latencies */
    double seconds;             /* from the end of the warm-up to the last answer */
};

void load_run(const struct load_plan *plan, struct load_result *ret_result);
