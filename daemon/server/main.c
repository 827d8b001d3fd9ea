/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sysexits.h>

#include "daemon/base/log.h"
#include "daemon/server/broker.h"
#include "daemon/server/config.h"
#include "daemon/server/options.h"
#include "proto/util.h"

#define EXIT_USAGE 2

int main(int argc, char **argv) {
        _cleanup_(options_deinit) Options options = OPTIONS_NULL;

        switch (options_parse(&options, argc, argv)) {
        case 0:
                break;
        case OPTIONS_E_DONE:
                return EXIT_SUCCESS;
        case OPTIONS_E_USAGE:
                return EXIT_USAGE;
        default:
                return EXIT_FAILURE;
        }
        log_open(options.verbose ? LOG_DEBUG : LOG_INFO);
        if (options.check_config)
                return config_check(&options) ? EX_CONFIG : EXIT_SUCCESS;
        switch (broker_run(&options)) {
        case 0:
                return EXIT_SUCCESS;
        case BROKER_E_CONFIG:
                return EX_CONFIG;
        default:
                return EXIT_FAILURE;
        }
}
