/* Indexes are folders with a folder a partition. */
#include "tests/simulation/files.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 512

typedef void visitor(const char *path, const char *other);

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool files_exist(const char *folder)
{
    return is_folder(folder);
}

/* Calls visit for each entry, with the path of the same name under `other`. */
static void visit_entries(const char *folder, const char *other, visitor *visit)
{
    char path[PATH_SIZE], twin[PATH_SIZE];
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        snprintf(twin, sizeof(twin), "%s/%s", other, entry->d_name);
        visit(path, twin);
    }
    if (entries != NULL)
        closedir(entries);
}

static void remove_entry(const char *path, const char *other)
{
    (void)other;
    if (is_folder(path))
        files_remove(path);
    else
        unlink(path);
}

void files_remove(const char *folder)
{
    visit_entries(folder, "", remove_entry);
    rmdir(folder);
}

static void copy_entry(const char *path, const char *other)
{
    if (is_folder(path)) {
        files_copy(path, other);
        return;
    }
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert(from >= 0 && to >= 0);
    ssize_t sent;
    while ((sent = sendfile(to, from, NULL, 1024 * 1024)) > 0)
        continue;
    assert(sent == 0);
    close(from);
    close(to);
}

void files_copy(const char *from, const char *to)
{
    int made = mkdir(to, 0755);

    assert(made == 0);
    visit_entries(from, to, copy_entry);
}
