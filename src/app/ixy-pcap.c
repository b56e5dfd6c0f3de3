/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy-pcap: write what a card receives to a capture file. */
#include "options.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "capture.h"

#define SNAPLEN_MAX 65535 /* no card receives longer packets */

/* What is in the file, whole; a card may have received some more behind --count. */
static void report(const struct app *app, const struct capture_writer *file)
{
	if (app_quiet)
		return;
	fprintf(app->out,
		app_json ? "{\"type\":\"capture\",\"captured\":%lu,\"lost\":%lu}\n"
			 : "%lu packets captured, %lu lost\n",
		file->packets, file->pending);
}

int main(int argc, char **argv)
{
	struct capture_writer file = { 0 };
	uint64_t limit = 0;
	uint32_t snaplen = SNAPLEN_MAX;
	struct app_option options[] = {
		{ "count", "N", "end after this many packets", APP_U64, &limit, 1, 1e15 },
		{ "snaplen", "BYTES", "keep no more of each packet", APP_U32, &snaplen, 1,
		  SNAPLEN_MAX },
		{ 0 },
	};
	struct app app = {
		.usage = "A FILE",
		.about = "Capture what card A receives in FILE, in pcap format. With - the capture "
			 "goes to\n"
			 "standard output (ixy-pcap A - | tcpdump -r -) and the statistics to "
			 "standard error.",
		.extra = options,
		.threads = 1,
	};

	if (!app_open(&app, argc, argv, 1, 2))
		return app_close(&app);
	bool pipe = !strcmp(app.args[1], "-");
	app.out = pipe ? stderr : stdout;
	int err = capture_create(&file, app.args[1], snaplen);

	const bool created = !err;
	if (created) {
		app_ready(&app);
		app_wait_for(&app, 0, app.config.rx_queues);
	}
	uint64_t left = limit ?: UINT64_MAX;
	while (!err && left && app_running(&app)) {
		for (uint16_t queue = 0; queue < app.config.rx_queues; queue++) {
			struct pkt_buf *bufs[APP_BATCH_MAX];
			uint32_t rx = ixy_rx_batch(app.devices[0], queue, bufs, app.batch);
			struct timespec t;

			if (!rx) {
				err = err ?: capture_flush(&file); /* for the reader of a pipe */
				continue;
			}
			clock_gettime(CLOCK_REALTIME, &t);
			for (uint32_t i = 0; i < rx && !err && left; i++, left--)
				err = capture_write(
					&file, t.tv_sec * 1000000000ull + t.tv_nsec, bufs[i]->data,
					bufs[i]->size < snaplen ? bufs[i]->size : snaplen,
					bufs[i]->size);
			pkt_buf_free_batch(bufs, rx);
		}
	}
	int unfinished = capture_finish(&file);
	err = err ?: unfinished;
	if (err && !(pipe && err == -EPIPE)) { /* a reader that has seen enough is no error */
		app_say("%s", file.message);
		app.status = 1;
	}
	if (created)
		report(&app, &file);
	return app_close(&app);
}
