/* As much of HTTP/1.1 as load needs: connections, requests out of templates, answers with a
 * Content-Length. Cheap, because on a small machine the load competes with what it measures. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_SIZE_MAX 8192

/* In path and body, {n} is the request's number and {id} a random line of the ids. */
struct request_template {
    const char *method;
    const char *path;
    const char *body;       /* NULL: none */
    const char *token;      /* NULL: anonymous */
    const char *key_prefix; /* of the Idempotency-Key, the number follows; NULL: no key */
    const char *more;       /* further header lines, each with its \r\n; NULL: none */
    const struct id_list *ids;
};

struct id_list {
    char **lines;
    size_t count;
};

struct http_answer {
    int status;
    const char *headers, *body;
    size_t headers_size, body_size;
    size_t size; /* of all of it */
};

enum http_reading { HTTP_PARTIAL, HTTP_COMPLETE, HTTP_BROKEN };

/* host:port, numeric; ends the program when it is not. */
struct sockaddr_in http_address(const char *text);
/* A connected socket without Nagle's delay; ends the program on failure. */
int http_connect(const struct sockaddr_in *address);
/* One id a line; ends the program when there is none. */
void http_read_ids(const char *path, struct id_list *ret_ids);
void http_free_ids(struct id_list *ids);
const char *http_random_id(const struct id_list *ids);

/* The request's size; ends the program when it does not fit. */
size_t http_write_request(const struct request_template *template, uint64_t number, const char *id,
                          char ret_request[static REQUEST_SIZE_MAX]);
/* *ret_answer points into `bytes`, which end with a NUL. */
enum http_reading http_read_answer(const char *bytes, size_t size, struct http_answer *ret_answer);
/* Copies a header's value, cut off at ret_size - 1; false when there is none. */
bool http_find_header(const struct http_answer *answer, const char *name, char *ret_value,
                      size_t ret_size);
