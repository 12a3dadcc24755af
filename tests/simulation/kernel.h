/* What the kernel does for a simulated process: its disk and its random bytes. Both are the
 * simulation's: the program's own definitions of pwrite and getrandom stand before the C library's.
 */
#pragma once

#include <stdint.h>

enum kernel_disk {
    KERNEL_DISK_WELL,
    KERNEL_DISK_FULL, /* files do not grow */
    KERNEL_DISK_DEAD, /* nothing is written: the process has been killed */
};

void kernel_set_disk(enum kernel_disk disk);
void kernel_seed(uint64_t seed);
