/* The reading of one row, for the two who walk the table: config_load stops at the first error, the
 * command line shows them all. */
#pragma once

#include "lib/core/config.h"

MUST_CHECK bool config_load_entry(const struct config_entry *entry, void *config,
                                  struct error *error);
