/* What the parts of this process share. Set up by main before any thread, then read-only. */
#pragma once

#include "command-svc/config.h"
#include "command-svc/pipeline.h"
#include "lib/web/auth.h"
#include <stdint.h>

struct shard;

struct service {
    const struct command_config *config;
    struct web_auth *auth;
    struct shard **shards; /* config->shards of them; partition p belongs to shard p % shards */
};
