/* A first look at LMDB's file before it is mapped: a map of a file that is shorter than its trees
 * is a SIGBUS at the first touch, which no error code could report. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An empty file is plausible: LMDB starts afresh in it. */
bool data_file_plausible(int descriptor);
/* A page that LMDB took and gave back within one transaction at the end of the file is never
 * written, which leaves the file shorter than its page count. Grows it to that (a hole), so that
 * data_file_plausible may insist on the size. A failure shows at the next opening as a wipe. */
void data_file_pad(int descriptor, uint64_t page_count, size_t page_size);
