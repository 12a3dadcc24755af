/* Envelope first, then the rule: a record that breaks its format must not move the fence. */
#include "lib/log/judge.h"

enum judgement judge_message(const struct log_port *port, const struct log_message *message,
                             struct fence *fence, struct log_event *ret_event,
                             struct platform_claim *ret_claim)
{
    switch (envelope_read(port, message, ret_event)) {
    case ENVELOPE_MALFORMED: return JUDGED_VOID;
    case ENVELOPE_CLAIM:
        if (!platform_read_claim(message->value, ret_claim))
            return JUDGED_VOID;
        fence_claim(fence, message->offset);
        return JUDGED_CLAIM;
    case ENVELOPE_FENCED: break;
    }
    switch (fence_record(fence, &ret_event->fence)) {
    case FENCE_VOID: return JUDGED_VOID;
    case FENCE_PART: return JUDGED_PART;
    case FENCE_COMMIT: return JUDGED_COMMIT;
    }
    return JUDGED_VOID;
}
