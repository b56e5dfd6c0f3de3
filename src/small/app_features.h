/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of src/full/app_features.h: arguments only, one thread and queue, two counters. */
#include <time.h>

#define app_now()			  time(NULL)
#define app_parse(app, argc, argv, count) ((app)->args = (argv) + 1, (argc) == 1 + (int)(count))
#define app_run(app, serve)		  serve(app, 0, 1)
#define app_rest(app)

static inline void app_report(struct app *app, bool final)
{
	for (uint32_t i = 0; i < app->device_count; i++) {
		app->status |= !!ixy_read_stats(app->devices[i], &app->stats[i]);
		printf("%s%s: received %lu, sent %lu\n", final ? "total " : "", app->args[i],
		       app->stats[i].rx_packets, app->stats[i].tx_packets);
	}
}
