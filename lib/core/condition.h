/* Conditions that are waited for with a time limit, by a clock that nobody sets. */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

void condition_init(pthread_cond_t *condition);
/* For pthread_cond_timedwait on such a condition: so long from now. */
struct timespec condition_deadline(int64_t after_us);
