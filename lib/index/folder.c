/* Lock, mark and a first look at data.mdb. The mark is compared as a whole line, never parsed: what
 * is not exactly one of the two lines we would have written makes the folder unusable. */
#include "lib/index/folder.h"

#include "lib/core/buffer.h"
#include "lib/index/data_file.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_NAME     "data.mdb"
#define MARK_NAME     "mark"
#define MARK_NEW_NAME "mark.new"
#define MARK_SIZE_MAX 256

static bool fail(struct error *error, const char *what, const char *name)
{
    return error_set(error, FAULT_INDEX_FAILED, "cannot %s %s: %s", what, name, strerror(errno));
}

/* Reads at most size - 1 bytes and terminates them; -1 on failure. */
static ssize_t read_small_file(int folder, const char *name, char *bytes, size_t size)
{
    int descriptor = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    ssize_t got = read(descriptor, bytes, size - 1);
    int problem = errno;
    close(descriptor);
    errno = problem;
    if (got >= 0)
        bytes[got] = '\0';
    return got;
}

static bool read_boot_id(struct folder *folder, const char *path, struct error *error)
{
    if (read_small_file(AT_FDCWD, path, folder->boot_id, sizeof folder->boot_id) < 0)
        return fail(error, "read", path);
    folder->boot_id[strcspn(folder->boot_id, "\n")] = '\0';
    if (folder->boot_id[0] == '\0')
        return error_set(error, FAULT_INDEX_FAILED, "%s is empty", path);
    return true;
}

static bool make_folders(const char *path, struct error *error)
{
    char partial[PATH_MAX];
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof partial)
        return error_set(error, FAULT_INDEX_FAILED, "the index's path has %zu bytes", size);
    memcpy(partial, path, size + 1);
    for (size_t i = 1; i <= size; i++) {
        if (partial[i] != '/' && partial[i] != '\0')
            continue;
        partial[i] = '\0';
        if (mkdir(partial, 0755) != 0 && errno != EEXIST)
            return fail(error, "create", partial);
        partial[i] = path[i];
    }
    return true;
}

bool folder_open(struct folder *folder, const char *path, const char *boot_id_path, uint32_t format,
                 struct error *error)
{
    folder->descriptor = -1;
    folder->format = format;
    if (!read_boot_id(folder, boot_id_path, error) || !make_folders(path, error))
        return false;
    folder->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->descriptor < 0)
        return fail(error, "open", path);
    if (flock(folder->descriptor, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        error_set(error, FAULT_INDEX_FAILED, "%s is in use by another process", path);
    else
        fail(error, "lock", path);
    folder_close(folder);
    return false;
}

void folder_close(struct folder *folder)
{
    if (folder->descriptor >= 0)
        close(folder->descriptor);
    folder->descriptor = -1;
}

static void print_mark(const struct folder *folder, bool clean, struct buffer *line)
{
    buffer_init(line, MARK_SIZE_MAX);
    if (clean)
        buffer_print(line, "format %u, closed\n", folder->format);
    else
        buffer_print(line, "format %u, open in boot %s\n", folder->format, folder->boot_id);
}

static bool mark_is(const struct folder *folder, bool clean, const char *content)
{
    struct buffer CLEANUP(buffer_done) line;
    print_mark(folder, clean, &line);
    return !line.failed && text_is(buffer_text(&line), content);
}

static bool exists(const struct folder *folder, const char *name)
{
    return faccessat(folder->descriptor, name, F_OK, 0) == 0;
}

enum folder_content folder_examine(const struct folder *folder)
{
    char content[MARK_SIZE_MAX];
    bool data = exists(folder, DATA_NAME);

    if (!data && !exists(folder, MARK_NAME))
        return FOLDER_EMPTY;
    if (read_small_file(folder->descriptor, MARK_NAME, content, sizeof content) < 0)
        return FOLDER_UNUSABLE;
    if (!mark_is(folder, true, content) && !mark_is(folder, false, content))
        return FOLDER_UNUSABLE;
    if (!data)
        return FOLDER_UNUSABLE;

    int descriptor = openat(folder->descriptor, DATA_NAME, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return FOLDER_UNUSABLE;
    bool plausible = data_file_plausible(descriptor);
    close(descriptor);
    return plausible ? FOLDER_USABLE : FOLDER_UNUSABLE;
}

static bool remove_file(const struct folder *folder, const char *name, struct error *error)
{
    if (unlinkat(folder->descriptor, name, 0) != 0 && errno != ENOENT)
        return fail(error, "remove", name);
    return true;
}

bool folder_wipe(const struct folder *folder, struct error *error)
{
    return remove_file(folder, DATA_NAME, error) && remove_file(folder, MARK_NAME, error);
}

void folder_condemn(const struct folder *folder)
{
    (void)unlinkat(folder->descriptor, MARK_NAME, 0);
}

static bool write_durably(const struct folder *folder, struct text content, struct error *error)
{
    int descriptor =
        openat(folder->descriptor, MARK_NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0)
        return fail(error, "create", MARK_NEW_NAME);
    errno = EIO;
    bool written = write(descriptor, content.bytes, content.size) == (ssize_t)content.size &&
                   fsync(descriptor) == 0;
    if (!written)
        fail(error, "write", MARK_NEW_NAME);
    close(descriptor);
    return written;
}

static bool write_mark(const struct folder *folder, bool clean, struct error *error)
{
    struct buffer CLEANUP(buffer_done) line;
    print_mark(folder, clean, &line);
    if (line.failed)
        return error_set(error, FAULT_OUT_OF_MEMORY, "no memory for the index's mark");
    if (!write_durably(folder, buffer_text(&line), error))
        return false;
    if (renameat(folder->descriptor, MARK_NEW_NAME, folder->descriptor, MARK_NAME) != 0 ||
        fsync(folder->descriptor) != 0)
        return fail(error, "replace", MARK_NAME);
    return true;
}

bool folder_mark_open(const struct folder *folder, struct error *error)
{
    char content[MARK_SIZE_MAX];
    if (read_small_file(folder->descriptor, MARK_NAME, content, sizeof content) > 0 &&
        mark_is(folder, false, content))
        return true;
    return write_mark(folder, false, error);
}

bool folder_mark_clean(const struct folder *folder, struct error *error)
{
    return write_mark(folder, true, error);
}
