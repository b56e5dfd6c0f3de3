/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy-fwd: forward packets between two cards, in both directions. */
#include "app.h"

static void forward(struct app *app, uint32_t from, uint32_t to, uint16_t queue)
{
	struct pkt_buf *bufs[APP_BATCH_MAX];
	uint32_t rx = ixy_rx_batch(app->devices[from], queue, bufs, app->batch);

	if (app->touch)
		for (uint32_t i = 0; i < rx; i++)
			bufs[i]->data[1]++; /* every packet, as a real application would */

	uint32_t tx = ixy_tx_batch(app->devices[to], queue, bufs, rx);
	pkt_buf_free_batch(bufs + tx, rx - tx); /* ring full: waiting would only add latency */
}

/* What a thread does: its queues, from @first on and before @end, on both cards. */
static void serve(struct app *app, uint16_t first, uint16_t end)
{
	while (app_running(app))
		for (uint16_t queue = first; queue < end; queue++) {
			forward(app, 0, 1, queue);
			forward(app, 1, 0, queue);
		}
}

int main(int argc, char **argv)
{
	struct app app = { .usage = "A B", .about = "Forward packets both ways.", .touch = true };

	if (app_open(&app, argc, argv, 2, 2))
		app_run(&app, serve);
	return app_close(&app);
}
