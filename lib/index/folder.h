/* The folder an index lives in, seen from outside LMDB: who holds it, and whether its file may be
 * mapped at all. The file `mark` says under which format and since which boot it is written. */
#pragma once

#include "lib/core/error.h"
#include <stdint.h>

#define BOOT_ID_PATH     "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE_MAX 64

struct folder {
    int descriptor; /* carries the lock */
    uint32_t format;
    char boot_id[BOOT_ID_SIZE_MAX];
};

/* Creates the folder (and those above it), locks it against every other process and every other
 * opening, reads the boot id. All faults are INDEX_FAILED. */
MUST_CHECK bool folder_open(struct folder *folder, const char *path, const char *boot_id_path,
                            uint32_t format, struct error *error);
void folder_close(struct folder *folder);

enum folder_content { FOLDER_EMPTY, FOLDER_USABLE, FOLDER_UNUSABLE };

enum folder_content folder_examine(const struct folder *folder);
MUST_CHECK bool folder_wipe(const struct folder *folder, struct error *error);

/* Durable when they return. Open: from now on only this boot can trust the file. Clean: it is
 * synced. */
MUST_CHECK bool folder_mark_open(const struct folder *folder, struct error *error);
MUST_CHECK bool folder_mark_clean(const struct folder *folder, struct error *error);
/* The file was found corrupt: the next opening shall wipe it. */
void folder_condemn(const struct folder *folder);
