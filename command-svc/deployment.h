/* This process among those of its deployment: what it hears of them and tells them, on a thread of
 * its own. */
#pragma once

#include "command-svc/config.h"
#include "command-svc/ownership.h"
#include "lib/core/error.h"

struct deployment;
struct buffer;
struct hosting;

struct deployment_options {
    const struct command_config *config; /* borrowed */
    const struct hosting *hosting;       /* borrowed; what the group deals out */
    struct uuid incarnation;             /* of this process */
    /* Something became known: of assignments, or of owners. On its thread. */
    void (*changed)(void *user);
    void *user;
};

/* Connects; nothing is heard or told before the start. */
MUST_CHECK struct deployment *deployment_create(const struct deployment_options *options,
                                                struct error *error);
/* From here on it may become a member, by a name that must be this process's alone: start once its
 * port is bound. */
MUST_CHECK bool deployment_start(struct deployment *deployment, struct error *error);
struct ownership *deployment_ownership(struct deployment *deployment);
/* Any thread. Adds to /ready what it does not claim because another deployment hosts it; true:
 * there is nothing like that. */
bool deployment_write_refusals(const struct deployment *deployment, struct buffer *out);
/* Leaves the group: the others come for what is served here. False: there are no others. */
bool deployment_leave(struct deployment *deployment);
/* Says what is left to say, for at most timeout_ms, and ends the thread. NULL accepted. */
void deployment_stop(struct deployment *deployment, int timeout_ms);
/* Stopped before. NULL accepted, returns NULL. */
struct deployment *deployment_destroy(struct deployment *deployment);
