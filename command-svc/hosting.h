/* Which of the house's contexts a process hosts: SIJANG_CONTEXTS. What it does not host, it neither
 * follows nor serves; commands for it are forwarded (docs/decisions/0015). */
#pragma once

#include "command-svc/contexts.h"
#include "lib/core/check.h"
#include "lib/core/error.h"

struct hosting {
    int count;
    int contexts[CONTEXTS_MAX]; /* their places in the house's list, ascending */
};

void hosting_all(struct hosting *ret_hosting);
/* `names` is comma separated; empty: all of the house. False: FAULT_CONFIG_INVALID, and says which
 * names there are. */
MUST_CHECK bool hosting_read(const char *names, struct hosting *ret_hosting, struct error *error);
/* The context's place in hosting->contexts; -1: it is not hosted. */
int hosting_find(const struct hosting *hosting, int context);
