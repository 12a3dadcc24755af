/* Folders of files, two levels deep. */
#pragma once

#include <stdbool.h>

bool files_exist(const char *folder);
void files_remove(const char *folder);
void files_copy(const char *from, const char *to);
