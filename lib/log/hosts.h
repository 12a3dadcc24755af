/* Which deployments host which contexts, as their processes say in the owners' topic: two that host
 * the same one would take its partitions from each other for ever. Who was first keeps it. */
#pragma once

#include "lib/core/buffer.h"

#define HOSTS_CONTEXTS_MAX    64
#define HOSTS_OTHERS_MAX      4
#define HOSTS_DEPLOYMENT_SIZE 101
#define HOSTS_SAY_US          INT64_C(3000000)
#define HOSTS_LEASE_US        INT64_C(10000000) /* who is silent for longer is gone */
#define HOSTS_FAREWELL_US     INT64_C(1500000)  /* unless another process of it says otherwise */

struct hosted {
    const char *context;
    bool said; /* by this process: it is ours */
    struct {
        char deployment[HOSTS_DEPLOYMENT_SIZE];
        int64_t until_boot_us;
    } others[HOSTS_OTHERS_MAX];
};

struct hosts {
    const char *deployment;
    struct hosted contexts[HOSTS_CONTEXTS_MAX];
    size_t count;
    int64_t say_boot_us; /* not before */
    bool leaving;
};

/* Both borrowed; contexts are those hosted here, NULL-terminated. */
void hosts_init(struct hosts *hosts, const char *deployment, const char *const *contexts);
/* A record's key, and whether it has a value: none is a farewell. False: it is not of hosts. */
bool hosts_hear(struct hosts *hosts, struct text key, bool hosts_it, int64_t age_us,
                int64_t boot_us);
/* The deployment that this one stands back for; NULL: there is none. */
const char *hosts_find_other(const struct hosts *hosts, const char *context, int64_t boot_us);
/* Whether it is time to say what hosts_write writes. */
bool hosts_are_due(struct hosts *hosts, int64_t boot_us);
/* The key of the number-th context; false: nothing is to be said of it. */
bool hosts_write(struct hosts *hosts, size_t number, int64_t boot_us, struct buffer *key);
bool hosts_have_to_say(const struct hosts *hosts);
/* Says farewell, once. */
void hosts_leave(struct hosts *hosts);
