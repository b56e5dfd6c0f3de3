/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy-fwd: forward packets between two cards, in both directions. */
#include "app.h"

static void forward(struct ixy_device *in, struct ixy_device *out, uint16_t queue, uint32_t batch)
{
	struct pkt_buf *bufs[APP_BATCH_MAX];
	uint32_t rx = ixy_rx_batch(in, queue, bufs, batch);

	for (uint32_t i = 0; i < rx; i++)
		bufs[i]->data[1]++; /* touch every packet, as a real application would */

	uint32_t tx = ixy_tx_batch(out, queue, bufs, rx);
	pkt_buf_free_batch(bufs + tx, rx - tx); /* ring full: waiting would only add latency */
}

int main(int argc, char **argv)
{
	struct app app = {
		.usage = "A B",
		.about = "Forward packets between two cards; their second byte changes."
	};

	if (!app_open(&app, argc, argv, 2, 2))
		return app_close(&app);
	struct ixy_device *a = app.devices[0], *b = app.devices[1];

	while (app_running(&app)) {
		for (uint16_t queue = 0; queue < a->config.rx_queues; queue++) {
			forward(a, b, queue, app.batch);
			forward(b, a, queue, app.batch);
		}
	}
	return app_close(&app);
}
