/* How long until one's own write can be read: sends a change, then a question that waits for the
 * change's Sijang-Position, and checks that the answer has it. Prints one JSON object. */
#include "tests/bench/http_exchange.h"
#include "tests/bench/latencies.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ANSWER_SIZE_MAX 65536

struct peer {
    struct sockaddr_in address;
    int fd;
    char answer[ANSWER_SIZE_MAX + 1];
};

struct counts {
    struct latencies write, after_answer, after_send;
    uint64_t refused, not_readable, stale;
    FILE *samples; /* NULL: not wanted */
};

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Blocks until the whole answer is there; any trouble ends the program. */
static struct http_answer exchange(struct peer *peer, const struct request_template *template,
                                   uint64_t number, const char *id)
{
    char request[REQUEST_SIZE_MAX];
    size_t size = http_write_request(template, number, id, request);
    struct http_answer answer;
    size_t got = 0;

    if (send(peer->fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        err(EXIT_FAILURE, "send");
    for (;;) {
        ssize_t more = recv(peer->fd, peer->answer + got, ANSWER_SIZE_MAX - got, 0);
        if (more <= 0)
            errx(EXIT_FAILURE, "the connection broke");
        got += (size_t)more;
        peer->answer[got] = '\0';
        enum http_reading reading = http_read_answer(peer->answer, got, &answer);
        if (reading == HTTP_COMPLETE)
            return answer;
        if (reading == HTTP_BROKEN || got == ANSWER_SIZE_MAX)
            errx(EXIT_FAILURE, "not an answer: %s", peer->answer);
    }
}

static long long body_version(const struct http_answer *answer)
{
    const char *member = memmem(answer->body, answer->body_size, "\"version\":", 10);

    return member == NULL ? -1 : strtoll(member + 10, NULL, 10);
}

static void turn(struct peer *writer, struct peer *reader, struct request_template templates[2],
                 uint64_t number, struct counts *counts)
{
    const char *id = http_random_id(templates[0].ids);
    char position[256], more[512];

    int64_t sent_ns = now_ns();
    struct http_answer written = exchange(writer, &templates[0], number, id);
    int64_t answered_ns = now_ns();
    if (written.status / 100 != 2 ||
        !http_find_header(&written, "Sijang-Position", position, sizeof(position))) {
        counts->refused++;
        return;
    }
    long long version = body_version(&written);
    snprintf(more, sizeof(more), "Sijang-Wait-For: %s\r\nPrefer: wait=5\r\n", position);
    templates[1].more = more;
    struct http_answer read = exchange(reader, &templates[1], number, id);
    int64_t read_ns = now_ns();
    templates[1].more = NULL;
    if (read.status != 200) {
        counts->not_readable++;
        return;
    }
    counts->stale += body_version(&read) < version;
    if (counts->samples != NULL)
        fprintf(counts->samples, "%.6f %lld\n", wall_s(),
                (long long)((read_ns - answered_ns) / 1000));
    latencies_add(&counts->write, answered_ns - sent_ns);
    latencies_add(&counts->after_answer, read_ns - answered_ns);
    latencies_add(&counts->after_send, read_ns - sent_ns);
}

static void wait_until(int64_t due_ns)
{
    struct timespec due = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
        continue;
}

static void print(struct counts *counts)
{
    printf("{\"writes\":%zu,\"refused\":%llu,\"not_readable\":%llu,\"stale\":%llu,",
           counts->write.count, (unsigned long long)counts->refused,
           (unsigned long long)counts->not_readable, (unsigned long long)counts->stale);
    latencies_print(&counts->write, "write_");
    putchar(',');
    latencies_print(&counts->after_answer, "after_answer_");
    putchar(',');
    latencies_print(&counts->after_send, "after_send_");
    puts("}");
}

static FILE *open_samples(const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        err(EXIT_FAILURE, "%s", path);
    return file;
}

static const struct option options[] = {
    {"write", required_argument, NULL, 'w'},
    {"read", required_argument, NULL, 'r'},
    {"write-path", required_argument, NULL, 'p'},
    {"read-path", required_argument, NULL, 'q'},
    {"body", required_argument, NULL, 'b'},
    {"token", required_argument, NULL, 't'},
    {"key", required_argument, NULL, 'k'},
    {"ids", required_argument, NULL, 'i'},
    {"rate", required_argument, NULL, 'f'},
    {"seconds", required_argument, NULL, 's'},
    {"samples", required_argument, NULL, 'm'}, /* a line of wall time and microseconds each */
    {0},
};

int main(int argc, char **argv)
{
    static struct peer writer, reader;
    struct request_template templates[2] = {{.method = "POST"}, {.method = "GET"}};
    struct counts counts = {0};
    struct id_list ids = {0};
    const char *samples = NULL;
    double rate = 100, seconds = 10;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'w': writer.address = http_address(optarg); break;
        case 'r': reader.address = http_address(optarg); break;
        case 'p': templates[0].path = optarg; break;
        case 'q': templates[1].path = optarg; break;
        case 'b': templates[0].body = optarg; break;
        case 't': templates[0].token = templates[1].token = optarg; break;
        case 'k': templates[0].key_prefix = optarg; break;
        case 'i': http_read_ids(optarg, &ids); break;
        case 'f': rate = atof(optarg); break;
        case 's': seconds = atof(optarg); break;
        case 'm': samples = optarg; break;
        default: return EXIT_FAILURE;
        }
    }
    if (templates[0].path == NULL || templates[1].path == NULL || ids.count == 0 || rate <= 0 ||
        writer.address.sin_port == 0 || reader.address.sin_port == 0)
        errx(EXIT_FAILURE, "--write, --read, their paths, --ids and a rate are needed");
    templates[0].ids = templates[1].ids = &ids;
    counts.samples = samples != NULL ? open_samples(samples) : NULL;
    writer.fd = http_connect(&writer.address);
    reader.fd = http_connect(&reader.address);
    int64_t start_ns = now_ns();
    uint64_t turns = (uint64_t)(seconds * rate);
    for (uint64_t i = 0; i < turns && now_ns() - start_ns < (int64_t)(seconds * 1e9); i++) {
        wait_until(start_ns + (int64_t)((double)i * 1e9 / rate));
        turn(&writer, &reader, templates, i, &counts);
    }
    if (counts.samples != NULL && fclose(counts.samples) != 0)
        err(EXIT_FAILURE, "the samples");
    print(&counts);
    latencies_done(&counts.write);
    latencies_done(&counts.after_answer);
    latencies_done(&counts.after_send);
    http_free_ids(&ids);
    return EXIT_SUCCESS;
}
