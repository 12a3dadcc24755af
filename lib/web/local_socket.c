/* libmicrohttpd listens on one socket; connections of another one are handed to it. */
#include "lib/web/local_socket.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG         128
#define OUT_OF_FILES_MS 100

static const char beside_suffix[] = ".new";

_Static_assert(LOCAL_SOCKET_PATH_MAX + sizeof(beside_suffix) <=
                   sizeof(((struct sockaddr_un *)0)->sun_path),
               "the place beside has room");

struct local_socket {
    struct MHD_Daemon *daemon;
    struct sockaddr_un address;
    ino_t inode; /* of what we have put there */
    int listener;
    int stop;
    bool runs;
    pthread_t thread;
};

static bool is_stopped(const struct local_socket *local, int timeout_ms)
{
    struct pollfd stop = {.fd = local->stop, .events = POLLIN};
    return poll(&stop, 1, timeout_ms) > 0;
}

static void accept_one(struct local_socket *local)
{
    static const struct sockaddr_un peer = {.sun_family = AF_UNIX};
    int connection = accept4(local->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (connection >= 0) /* refused for want of room, it is closed there */
        (void)MHD_add_connection(local->daemon, connection, (const struct sockaddr *)&peer,
                                 sizeof(peer.sun_family));
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        (void)is_stopped(local, OUT_OF_FILES_MS);
}

static void *run(void *self)
{
    struct local_socket *local = self;
    struct pollfd files[] = {{.fd = local->listener, .events = POLLIN},
                             {.fd = local->stop, .events = POLLIN}};

    for (;;) {
        if (poll(files, 2, -1) < 0)
            continue;
        if (files[1].revents != 0)
            return NULL;
        accept_one(local);
    }
}

/* Bound beside its place, then moved there: whoever connects finds the old one or this one. */
static bool bind_at(struct local_socket *local, const char *path)
{
    struct sockaddr_un beside = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    struct stat status;

    local->address.sun_family = AF_UNIX;
    memcpy(local->address.sun_path, path, size + 1);
    memcpy(beside.sun_path, path, size);
    memcpy(beside.sun_path + size, beside_suffix, sizeof(beside_suffix));
    (void)unlink(beside.sun_path);
    if (bind(local->listener, (const struct sockaddr *)&beside, sizeof(beside)) != 0)
        return false;
    if (listen(local->listener, BACKLOG) == 0 && stat(beside.sun_path, &status) == 0 &&
        rename(beside.sun_path, path) == 0) {
        local->inode = status.st_ino;
        return true;
    }
    int code = errno;
    (void)unlink(beside.sun_path);
    errno = code;
    return false;
}

static bool start(struct local_socket *local, const char *path)
{
    local->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    local->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (local->listener < 0 || local->stop < 0 || !bind_at(local, path))
        return false;
    errno = pthread_create(&local->thread, NULL, run, local);
    local->runs = errno == 0;
    return local->runs;
}

struct local_socket *local_socket_open(const char *path, struct MHD_Daemon *daemon,
                                       struct error *error)
{
    struct local_socket *local = calloc(1, sizeof(*local));

    if (local == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "socket %s", path);
        return NULL;
    }
    local->daemon = daemon;
    local->listener = local->stop = -1;
    if (strlen(path) > LOCAL_SOCKET_PATH_MAX)
        error_set(error, FAULT_CONFIG_INVALID, "socket %s: more than %d bytes", path,
                  LOCAL_SOCKET_PATH_MAX);
    else if (start(local, path))
        return local;
    else
        error_set(error, FAULT_IO_FAILED, "socket %s: %s", path, strerror(errno));
    return local_socket_close(local);
}

/* Another process may have put its own there by now. */
static void remove_own(const struct local_socket *local)
{
    struct stat status;

    if (local->inode != 0 && stat(local->address.sun_path, &status) == 0 &&
        status.st_ino == local->inode)
        (void)unlink(local->address.sun_path);
}

struct local_socket *local_socket_close(struct local_socket *local)
{
    static const uint64_t one = 1;

    if (local == NULL)
        return NULL;
    if (local->runs) {
        while (write(local->stop, &one, sizeof(one)) < 0 && errno == EINTR)
            continue;
        pthread_join(local->thread, NULL);
    }
    remove_own(local);
    if (local->listener >= 0)
        close(local->listener);
    if (local->stop >= 0)
        close(local->stop);
    free(local);
    return NULL;
}
