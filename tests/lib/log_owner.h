/* A process of the claimed log as the tests need it: a writer over a simulated port, one partition,
 * and a trace of all the owner was told, in words. */
#pragma once

#include "lib/log/writer.h"
#include "tests/support/sim_broker.h"

#define OWNER_TOPIC      "sijang.catalog.events.v1"
#define OWNER_PARTITIONS 8
#define OWNER_TRACE_SIZE 4096

struct log_owner_process {
    struct log_port *port;
    struct log_writer *writer;
    struct log_partition *partition;
    char trace[OWNER_TRACE_SIZE]; /* "serving@1 ack:1 apply:3 deposed" */
    enum fault apply_fault;       /* of every apply; NONE: they succeed */
};

/* Starts following from `from`; NULL: from the beginning. */
void owner_start(struct log_owner_process *owner, struct sim_broker *broker,
                 const struct log_position *from);
void owner_stop(struct log_owner_process *owner);
/* The same, claimed and serving, the trace cleared. */
void owner_start_serving(struct log_owner_process *owner, struct sim_broker *broker);

/* Appends a commit of so many events; its token and its events' version are `number`. */
bool owner_append(struct log_owner_process *owner, int64_t number, size_t count);
/* Turns until nothing is left to do at this moment. */
void owner_turn(struct log_owner_process *owner);
/* Turns and waits as a program would, for about a second. */
void owner_run(struct log_owner_process *owner);
/* Asserts the trace and clears it. */
void owner_expect(struct log_owner_process *owner, const char *trace);

struct log_event owner_event(int64_t number);
/* A well-formed record that another writer appends. */
int64_t foreign_record(struct sim_broker *broker, int64_t number, struct log_fence fence);
int64_t foreign_junk(struct sim_broker *broker);
int64_t foreign_claim(struct sim_broker *broker, int32_t partition_count);
