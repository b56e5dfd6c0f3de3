/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy-pcap: write what a card receives to a capture file. */
#include "options.h"
#include "pcap.h"

#include <errno.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
	uint64_t limit = 0, captured = 0;
	uint32_t snaplen = PCAP_FRAME_MAX;
	struct app_option options[] = {
		{ "count", "N", "end after this many packets", APP_U64, &limit, 1, 1e15 },
		{ "snaplen", "BYTES", "keep no more of each packet", APP_U32, &snaplen, 1,
		  PCAP_FRAME_MAX },
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
	FILE *file = pipe ? stdout : fopen(app.args[1], "wb");
	bool good = file && pcap_write_header(file, snaplen);

	if (good) {
		app_ready(&app);
		app_wait_for(&app, 0, app.config.rx_queues);
	}
	while (good && (!limit || captured < limit) && app_running(&app)) {
		for (uint16_t queue = 0; queue < app.config.rx_queues; queue++) {
			struct pkt_buf *bufs[APP_BATCH_MAX];
			uint32_t rx = ixy_rx_batch(app.devices[0], queue, bufs, app.batch);
			struct timespec t;

			if (!rx) {
				good &= !fflush(file); /* whoever reads the pipe wants it now */
				continue;
			}
			clock_gettime(CLOCK_REALTIME, &t);
			for (uint32_t i = 0; i < rx && good && (!limit || captured < limit);
			     i++, captured++)
				good = pcap_write(file, t.tv_sec * 1000000ull + t.tv_nsec / 1000,
						  bufs[i]->data,
						  bufs[i]->size < snaplen ? bufs[i]->size : snaplen,
						  bufs[i]->size);
			pkt_buf_free_batch(bufs, rx);
		}
	}
	if (file && (pipe ? fflush(file) : fclose(file)))
		good = false;
	if (!good && !(pipe && errno == EPIPE)) { /* a reader that has seen enough is no error */
		app_say("%s: %s", app.args[1], strerror(errno));
		app.status = 1;
	}
	return app_close(&app);
}
