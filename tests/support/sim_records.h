/* Records and logs in the simulated broker's memory. Private to sim_broker and to readers that do
 * not trust lib/log. */
#pragma once

#include "lib/log/port.h"

#define SIM_TOPIC_SIZE 100

/* One allocation: the texts point into it. */
struct sim_record {
    int64_t append_time_us; /* by the broker's clock */
    int64_t appended_us;    /* real time */
    bool control;           /* takes an offset, is not delivered */
    struct text key;
    struct text value;
    size_t header_count;
    struct log_header headers[];
};

struct sim_log {
    char topic[SIM_TOPIC_SIZE];
    int32_t partition;
    int64_t first; /* below: deleted by retention */
    int64_t end;
    int64_t hidden; /* from here on not to be seen; negative: nothing is */
    int64_t capacity;
    struct sim_record **records; /* by offset */
};

struct sim_record *sim_record_create(const struct log_record *record);
struct sim_record *sim_record_copy(const struct sim_record *record);
void sim_log_init(struct sim_log *log, const char *topic, int32_t partition);
void sim_log_done(struct sim_log *log);
/* Takes the record. */
int64_t sim_log_append(struct sim_log *log, struct sim_record *record, int64_t now_us);
void sim_log_truncate(struct sim_log *log, int64_t end);
