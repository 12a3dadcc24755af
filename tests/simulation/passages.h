/* What a process does with a call that another one owns: it sends copies, each bound to the term of
 * an owner, until one is answered (docs/decisions/0007-forwarded-copies-are-bound-to-a-term.md). */
#pragma once

#include <stdbool.h>

struct client;
struct world;

/* The client's process takes the operation on, sometimes; false: it does not. */
bool passage_begin(struct world *world, struct client *client);
/* It looks at what became of the last copy. */
void passage_act(struct world *world, struct client *client);
