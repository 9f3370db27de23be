// SPDX-License-Identifier: GPL-2.0
/* testd SOCKET [state PATH] [config PATH] [hold]: for cli.sh */
#include <stdio.h>
#include <string.h>

#include "testd.h"

int main(int argc, char **argv)
{
	struct testd_config config = { 0 };

	if (argc < 2) {
		fprintf(stderr, "testd SOCKET [state P] [config P] [hold]\n");
		return 2;
	}
	config.socket = argv[1];
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "hold"))
			config.hold = 1;
		else if (!strcmp(argv[i], "state") && i + 1 < argc)
			config.state = argv[++i];
		else if (!strcmp(argv[i], "config") && i + 1 < argc)
			config.config = argv[++i];
	}
	return testd_run(&config, 1);
}
