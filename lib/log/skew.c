/* The host's clock against append times. */
#include "lib/log/skew.h"

void skew_note(struct skew *skew, int64_t produced_us, int64_t appended_us, int64_t heard_us)
{
    if (appended_us == 0)
        return;
    skew->ahead_us = 0;
    if (produced_us > appended_us)
        skew->ahead_us = produced_us - appended_us;
    else if (heard_us < appended_us)
        skew->ahead_us = heard_us - appended_us;
    skew->differs = skew->ahead_us > SKEW_US_MAX || skew->ahead_us < -SKEW_US_MAX;
}
