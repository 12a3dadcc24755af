/* Days and dates by Howard Hinnant's algorithms for the proleptic Gregorian calendar
 * (https://howardhinnant.github.io/date_algorithms.html): no locks, no time zone files. */
#include "lib/core/clock.h"

#include <assert.h>
#include <time.h>

#define US_PER_SECOND 1000000
#define US_PER_DAY    (86400 * (int64_t)US_PER_SECOND)

#define YEAR_0_US     (-62167219200 * (int64_t)US_PER_SECOND)
#define YEAR_10000_US (253402300800 * (int64_t)US_PER_SECOND)

struct date {
    int64_t year;
    int64_t month;
    int64_t day;
};

static int64_t read_clock_us(clockid_t clock)
{
    struct timespec now;
    int outcome = clock_gettime(clock, &now);
    assert(outcome == 0);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return read_clock_us(CLOCK_REALTIME);
}

int64_t clock_boot_us(void)
{
    return read_clock_us(CLOCK_BOOTTIME);
}

static int64_t days_from_date(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct date date_from_days(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct date){
        .year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
}

static char *put_digits(char *at, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

void clock_format(int64_t wall_us, char ret_string[static CLOCK_RFC3339_SIZE])
{
    /* RFC 3339 has four digits for the year; beyond, the nearest that it can say. */
    if (wall_us < YEAR_0_US)
        wall_us = YEAR_0_US;
    if (wall_us >= YEAR_10000_US)
        wall_us = YEAR_10000_US - 1;
    int64_t days = wall_us / US_PER_DAY - (wall_us % US_PER_DAY < 0 ? 1 : 0);
    int64_t us = wall_us - days * US_PER_DAY;
    int64_t seconds = us / US_PER_SECOND;
    struct date date = date_from_days(days);

    char *at = put_digits(ret_string, date.year, 4);
    *at++ = '-';
    at = put_digits(at, date.month, 2);
    *at++ = '-';
    at = put_digits(at, date.day, 2);
    *at++ = 'T';
    at = put_digits(at, seconds / 3600, 2);
    *at++ = ':';
    at = put_digits(at, seconds / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, seconds % 60, 2);
    *at++ = '.';
    at = put_digits(at, us % US_PER_SECOND, 6);
    *at++ = 'Z';
    *at = '\0';
}

static bool take_digits(struct text *rest, size_t width, int64_t *ret_value)
{
    if (rest->size < width)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        char c = rest->bytes[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *rest = (struct text){.bytes = rest->bytes + width, .size = rest->size - width};
    *ret_value = value;
    return true;
}

static bool take_one_of(struct text *rest, char a, char b)
{
    if (rest->size == 0 || (rest->bytes[0] != a && rest->bytes[0] != b))
        return false;
    *rest = (struct text){.bytes = rest->bytes + 1, .size = rest->size - 1};
    return true;
}

static bool take_date(struct text *rest, int64_t *ret_days)
{
    static const int8_t month_days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct date date;
    if (!take_digits(rest, 4, &date.year) || !take_one_of(rest, '-', '-') ||
        !take_digits(rest, 2, &date.month) || !take_one_of(rest, '-', '-') ||
        !take_digits(rest, 2, &date.day))
        return false;
    if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > month_days[date.month - 1])
        return false;
    bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    if (date.month == 2 && date.day == 29 && !leap)
        return false;
    *ret_days = days_from_date(date);
    return true;
}

/* Leap seconds are refused: our clocks cannot say them. */
static bool take_time(struct text *rest, int64_t *ret_seconds)
{
    int64_t hour, minute, second;
    if (!take_digits(rest, 2, &hour) || !take_one_of(rest, ':', ':') ||
        !take_digits(rest, 2, &minute) || !take_one_of(rest, ':', ':') ||
        !take_digits(rest, 2, &second))
        return false;
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return hour <= 23 && minute <= 59 && second <= 59;
}

static bool take_fraction(struct text *rest, int64_t *ret_us)
{
    *ret_us = 0;
    if (!take_one_of(rest, '.', '.'))
        return true;
    int64_t unit = US_PER_SECOND / 10;
    int64_t digit;
    int64_t us = 0;
    size_t before = rest->size;
    while (unit > 0 && take_digits(rest, 1, &digit)) {
        us += digit * unit;
        unit /= 10;
    }
    *ret_us = us;
    return rest->size < before;
}

static bool take_offset(struct text *rest, int64_t *ret_seconds)
{
    *ret_seconds = 0;
    if (take_one_of(rest, 'Z', 'z'))
        return true;
    bool east = rest->size > 0 && rest->bytes[0] == '+';
    int64_t hour, minute;
    if (!take_one_of(rest, '+', '-') || !take_digits(rest, 2, &hour) ||
        !take_one_of(rest, ':', ':') || !take_digits(rest, 2, &minute))
        return false;
    int64_t seconds = hour * 3600 + minute * 60;
    *ret_seconds = east ? seconds : -seconds;
    return hour <= 23 && minute <= 59;
}

bool clock_parse(struct text text, int64_t *ret_wall_us)
{
    struct text rest = text;
    int64_t days, seconds, us, offset;
    if (!take_date(&rest, &days) || !take_one_of(&rest, 'T', 't') || !take_time(&rest, &seconds) ||
        !take_fraction(&rest, &us) || !take_offset(&rest, &offset) || rest.size != 0)
        return false;
    *ret_wall_us = days * US_PER_DAY + (seconds - offset) * US_PER_SECOND + us;
    return true;
}
