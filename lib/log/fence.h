/* The readers' rule: which records of a partition count (docs/ARCHITECTURE.md, "The claimed log").
 * A record is valid iff its term is the offset of the newest claim before it and its seq follows
 * the last valid one; a commit is `count` valid records numbered 1..count. Everything else is void.
 * Pure: same records, same verdicts, for every reader and for the owner. */
#pragma once

#include "lib/log/envelope.h"
#include "lib/log/position.h"

/* What has been read so far, as far as it decides about the next record. Plain data. */
struct fence {
    int64_t term;       /* offset of the newest claim; NONE before the first */
    int64_t seq;        /* of the last valid record in this term; 0 right after the claim */
    int32_t open_index; /* valid records of a commit not complete yet; 0: none is open */
    int32_t open_count; /* how many that commit will have */
};

enum fence_verdict {
    FENCE_VOID = 1,
    FENCE_PART,   /* valid, its commit goes on */
    FENCE_COMMIT, /* valid, completes its commit */
};

/* As it stands at a position, where no commit is open. */
void fence_start(struct fence *fence, const struct log_position *position);
/* A well-formed claim at this offset, whoever wrote it: opens a term, cuts off an open commit. */
void fence_claim(struct fence *fence, int64_t offset);
/* Any other record with a well-formed fence header. VOID leaves the fence as it was. */
enum fence_verdict fence_record(struct fence *fence, const struct log_fence *header);
