/* The paths of all commands, out of the rooms' lists. */
#include "command-svc/routes.h"

#include "command-svc/accept.h"
#include "command-svc/contexts.h"
#include <assert.h>

#define COMMANDS_MAX 200

const struct web_route *routes_of_commands(void)
{
    static struct web_route routes[COMMANDS_MAX + 1];
    static struct endpoint endpoints[COMMANDS_MAX];
    size_t count = 0;

    for (int c = 0; contexts[c] != NULL; c++)
        for (const struct command *const *command = contexts[c]->commands; *command != NULL;
             command++) {
            if ((*command)->method == NULL)
                continue;
            assert(count < COMMANDS_MAX);
            endpoints[count] = (struct endpoint){*command, c};
            routes[count] = (struct web_route){
                .method = (*command)->method,
                .path = (*command)->path,
                .handle = accept_command,
                .constant = &endpoints[count],
            };
            count++;
        }
    return routes;
}
