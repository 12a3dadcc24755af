/* Random bytes in small portions without a system call each: for ids that must be unique, not
 * secret. */
#pragma once

#include <stddef.h>

/* From a pool of this thread that the kernel fills. A forked child must exec before it takes any.
 */
void random_take(void *bytes, size_t size);
