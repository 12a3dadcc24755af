/* The readers' rule. A record that does not number its commit as the open one demands cannot be
 * from an owner, and is void like any other. */
#include "lib/log/fence.h"

#include "lib/log/writer.h"
#include <assert.h>

void fence_start(struct fence *fence, const struct log_position *position)
{
    *fence = (struct fence){.term = position->term, .seq = position->seq};
}

void fence_claim(struct fence *fence, int64_t offset)
{
    assert(offset > fence->term);
    *fence = (struct fence){.term = offset};
}

static bool numbers_its_commit(const struct fence *fence, const struct log_fence *header)
{
    if (header->index < 1 || header->index > header->count)
        return false;
    if (header->count > LOG_COMMIT_RECORDS_MAX || header->index != fence->open_index + 1)
        return false;
    return fence->open_index == 0 || header->count == fence->open_count;
}

enum fence_verdict fence_record(struct fence *fence, const struct log_fence *header)
{
    if (fence->term == LOG_OFFSET_NONE || header->term != fence->term)
        return FENCE_VOID;
    if (header->seq != fence->seq + 1 || !numbers_its_commit(fence, header))
        return FENCE_VOID;
    fence->seq = header->seq;
    if (header->index < header->count) {
        fence->open_index = header->index;
        fence->open_count = header->count;
        return FENCE_PART;
    }
    fence->open_index = 0;
    fence->open_count = 0;
    return FENCE_COMMIT;
}
