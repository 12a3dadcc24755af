/* For tests: opening an index as if the machine's boot id were in another file. */
#pragma once

#include "lib/index/index.h"

MUST_CHECK struct index *index_open_in_boot(const struct index_options *options,
                                            const char *boot_id_path, bool *ret_wiped,
                                            struct error *error);
