/* Both meta pages as LMDB 0.9 writes them on 64 bits (source: MDB_page, MDB_db, MDB_meta in
 * liblmdb's mdb.c). Caught: foreign or torn metas, truncation, roots outside the file. Not caught:
 * damage inside the trees. LMDB reports much of it when it gets there, but it keeps no checksums: a
 * flipped bit can give a wrong value, an assertion or a bad access. */
#include "lib/index/data_file.h"

#include <sys/stat.h>
#include <unistd.h>

#define META_MAGIC   0xBEEFC0DEu
#define META_VERSION 1u
#define META_FLAG    0x08u
#define NO_PAGE      UINT64_MAX

struct tree {
    uint32_t page_size; /* in the first tree only */
    uint16_t flags;
    uint16_t depth;
    uint64_t branch_pages, leaf_pages, overflow_pages;
    uint64_t entries;
    uint64_t root;
};

struct meta_page {
    uint64_t number;
    uint16_t pad;
    uint16_t flags;
    uint32_t unused;
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_size;
    struct tree trees[2]; /* free pages, names */
    uint64_t last_page;
    uint64_t transaction;
};

_Static_assert(sizeof(struct tree) == 48 && sizeof(struct meta_page) == 152,
               "the layout of LMDB 0.9 on 64 bits");

static bool read_meta(int descriptor, off_t offset, struct meta_page *ret_meta)
{
    return pread(descriptor, ret_meta, sizeof *ret_meta, offset) == (ssize_t)sizeof *ret_meta &&
           (ret_meta->flags & META_FLAG) != 0 && ret_meta->magic == META_MAGIC &&
           ret_meta->version == META_VERSION;
}

static bool page_size_plausible(uint32_t size)
{
    return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

static bool root_plausible(const struct meta_page *meta, const struct tree *tree)
{
    return tree->root == NO_PAGE || (tree->root >= 2 && tree->root <= meta->last_page);
}

bool data_file_plausible(int descriptor)
{
    struct stat file;
    struct meta_page metas[2];

    if (fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode))
        return false;
    if (file.st_size == 0)
        return true;
    if (!read_meta(descriptor, 0, &metas[0]))
        return false;
    uint32_t page_size = metas[0].trees[0].page_size;
    if (!page_size_plausible(page_size) || !read_meta(descriptor, (off_t)page_size, &metas[1]))
        return false;

    const struct meta_page *newest = &metas[metas[1].transaction > metas[0].transaction];
    uint64_t pages = (uint64_t)file.st_size / page_size;
    return newest->last_page < pages && root_plausible(newest, &newest->trees[0]) &&
           root_plausible(newest, &newest->trees[1]);
}

void data_file_pad(int descriptor, uint64_t page_count, size_t page_size)
{
    struct stat file;
    off_t size = (off_t)(page_count * page_size);

    if (fstat(descriptor, &file) == 0 && file.st_size < size && ftruncate(descriptor, size) != 0)
        return; /* tried again after the next transaction */
}
