/* A second door to a server: a Unix socket, for a gateway on the same machine. What passes there
 * costs both ends less than what passes through TCP's loopback. */
#pragma once

#include "lib/core/error.h"

struct MHD_Daemon;
struct local_socket;

#define LOCAL_SOCKET_PATH_MAX 100 /* the kernel's address has 108 bytes */

/* Accepts for the daemon, in a thread of its own, until closed. Whatever lies at `path` is
 * replaced: a socket left by a process that was killed. Its folder says who may connect. */
MUST_CHECK struct local_socket *local_socket_open(const char *path, struct MHD_Daemon *daemon,
                                                  struct error *error);
/* Before the daemon ends; connections stay. NULL accepted, returns NULL. */
struct local_socket *local_socket_close(struct local_socket *local);
