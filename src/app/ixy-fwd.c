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

/* What a thread does: its queues, from @first on and before @end, on both cards. */
static void serve(struct app *app, uint16_t first, uint16_t end)
{
	while (app_running(app)) {
		for (uint16_t queue = first; queue < end; queue++) {
			forward(app->devices[0], app->devices[1], queue, app->batch);
			forward(app->devices[1], app->devices[0], queue, app->batch);
		}
	}
}

int main(int argc, char **argv)
{
	struct app app = {
		.usage = "A B",
		.about = "Forward packets between two cards; their second byte changes."
	};

	if (app_open(&app, argc, argv, 2, 2))
		app_run(&app, serve);
	return app_close(&app);
}
