/* One record from the log, judged: its envelope, its claim, the readers' rule. The same for
 * readers, for the owner that reads a gap, and for tools. */
#pragma once

#include "lib/log/fence.h"
#include "lib/log/platform.h"

enum judgement {
    JUDGED_VOID = 1,
    JUDGED_CLAIM,  /* *ret_claim is set */
    JUDGED_PART,   /* valid; *ret_event is set */
    JUDGED_COMMIT, /* valid, completes its commit; *ret_event is set */
};

/* Moves the fence. *ret_event borrows from the message. */
enum judgement judge_message(const struct log_port *port, const struct log_message *message,
                             struct fence *fence, struct log_event *ret_event,
                             struct platform_claim *ret_claim);
