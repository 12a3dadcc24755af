/* Numbers to digits. */
#include "lib/log/decimal.h"

#include <assert.h>

char *decimal_print(char *end, int64_t value)
{
    assert(value >= 0);
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}
