/* What the parts of this process share. Set up by main before any thread, then read-only. */
#pragma once

#include "command-svc/config.h"
#include "command-svc/forwarded.h"
#include "command-svc/hosting.h"
#include "command-svc/request_hash.h"
#include "lib/web/auth.h"
#include <stdatomic.h>
#include <stdint.h>

struct courier;
struct deployment;
struct forward;
struct reaction_mirror;
struct shard_thread;

struct service {
    const struct command_config *config;
    struct hosting hosting; /* what it hosts */
    struct web_auth *auth;
    struct forwarded_key forwarded_key;
    struct request_hash_key request_hash_key;
    struct forward *forward;
    struct courier *courier;
    struct deployment *deployment;
    struct uuid incarnation; /* of this process */
    _Atomic bool leaving;    /* it stops, and says so to whom asks whether it is ready */
    struct reaction_mirror *mirror;
    struct shard_thread *shards; /* config->shards of them; p belongs to p % shards */
    _Atomic bool running;        /* all of them are there */
};
