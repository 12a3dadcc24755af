/* Reads the whole folder before anything is applied: a bad file stops all of them. */
#include "ctl/migration_file.h"

#include "lib/core/buffer.h"
#include "lib/core/hex.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define DIGITS         4
#define SUFFIX         ".sql"

/* NNNN_name.sql, and a number above 0. */
static bool parse_name(const char *name, int64_t *ret_number)
{
    size_t size = strlen(name);
    size_t word = DIGITS + 1;

    if (size <= word + strlen(SUFFIX) || name[DIGITS] != '_' ||
        !text_to_integer((struct text){name, DIGITS}, ret_number))
        return false;
    for (size_t i = word; i < size - strlen(SUFFIX); i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return *ret_number > 0 && isdigit((unsigned char)name[0]);
}

static int ends_in_sql(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return entry->d_name[0] != '.' && size > strlen(SUFFIX) &&
           strcmp(entry->d_name + size - strlen(SUFFIX), SUFFIX) == 0;
}

static bool hash(const char *bytes, size_t size, struct arena *arena, struct text *ret_hex)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size;

    if (EVP_Digest(bytes, size, digest, &digest_size, EVP_sha256(), NULL) != 1)
        return false;
    char *hex = arena_alloc(arena, 2 * (size_t)digest_size);
    if (hex == NULL)
        return false;
    (void)hex_write(hex, digest, digest_size);
    *ret_hex = (struct text){hex, 2 * (size_t)digest_size};
    return true;
}

static void close_file(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file);
}

static bool read_file(const char *path, struct buffer *content, struct error *error)
{
    FILE *CLEANUP(close_file) file = fopen(path, "re");
    char piece[4096];
    size_t size;

    if (file == NULL)
        return error_set(error, FAULT_IO_FAILED, "%s: %s", path, strerror(errno));
    while ((size = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_put(content, piece, size);
    if (ferror(file))
        return error_set(error, FAULT_IO_FAILED, "%s: %s", path, strerror(errno));
    if (content->failed || (content->size > 0 && memchr(content->bytes, '\0', content->size)))
        return error_set(error, FAULT_CONFIG_INVALID, "%s is too large, or holds a NUL", path);
    return true;
}

static bool read_migration(const char *folder, const char *name, struct arena *arena,
                           struct migration_file *migration, struct error *error)
{
    struct buffer CLEANUP(buffer_done) content;
    buffer_init(&content, FILE_BYTES_MAX);

    if (!parse_name(name, &migration->number))
        return error_set(error, FAULT_CONFIG_INVALID, "%s is not named like 0001_words.sql", name);
    const char *path = arena_print(arena, "%s/%s", folder, name);
    if (path == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%s", name);
    if (!read_file(path, &content, error))
        return false;
    struct text sql = arena_copy_text(arena, buffer_text(&content));
    migration->name = arena_copy_text(arena, text_of(name));
    migration->sql = content.size > 0 ? sql.bytes : "";
    if (migration->sql == NULL || migration->name.bytes == NULL ||
        !hash(migration->sql, content.size, arena, &migration->sha256))
        return error_set(error, FAULT_OUT_OF_MEMORY, "%s", name);
    return true;
}

/* The names are in order, and so are the numbers: they have the same width. */
static bool read_migrations(const char *folder, struct dirent **entries, struct arena *arena,
                            struct migration_files *files, struct error *error)
{
    for (size_t i = 0; i < files->count; i++) {
        struct migration_file *file = &files->items[i];
        if (!read_migration(folder, entries[i]->d_name, arena, file, error))
            return false;
        if (i > 0 && file->number == files->items[i - 1].number)
            return error_set(error, FAULT_CONFIG_INVALID, "%s and %s have one number",
                             entries[i - 1]->d_name, entries[i]->d_name);
    }
    return true;
}

bool migration_files_read(const char *folder, struct arena *arena,
                          struct migration_files *ret_files, struct error *error)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, ends_in_sql, alphasort);
    if (count < 0)
        return error_set(error, FAULT_IO_FAILED, "%s: %s", folder, strerror(errno));

    struct migration_files files = {.count = (size_t)count};
    files.items = arena_alloc_zeroed(arena, (files.count + 1) * sizeof files.items[0]);
    bool fine = files.items != NULL;
    if (!fine)
        error_set(error, FAULT_OUT_OF_MEMORY, "%s has %d files", folder, count);
    fine = fine && read_migrations(folder, entries, arena, &files, error);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (fine)
        *ret_files = files;
    return fine;
}
