/* projector: keeps the views. A worker reads the log and writes their rows and positions. */
#include "lib/core/logger.h"
#include "lib/core/shutdown.h"
#include "projector/service.h"
#include <stdlib.h>

static const struct config_program program = {.name = "projector", .table = projector_config_table};

int main(int argc, char **argv)
{
    struct service service = {0};
    struct error error = {0};
    shutdown_prepare();
    switch (config_from_main(argc, argv, &program, &service.config)) {
    case CONFIG_EXIT_OK: return EXIT_SUCCESS;
    case CONFIG_EXIT_FAILED: return EXIT_FAILURE;
    case CONFIG_RUN: break;
    }
    logger_start("projector", LOGGER_INFO);
    bool started = service_start(&service, &error);
    if (started)
        (void)shutdown_wait(-1);
    else
        log_error("projector_not_started", LOG_ERROR(&error));
    bool stopped = service_stop(&service);
    log_info("projector_stopped", LOG_NUMBER("fine", started && stopped));
    return started && stopped ? EXIT_SUCCESS : EXIT_FAILURE;
}
