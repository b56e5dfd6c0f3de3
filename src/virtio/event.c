/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens to a device, and restarting it when its back end has come back. */
#include "virtio.h"

bool virtio_next_event(struct ixy_device *ixy, struct ixy_watch *watch, struct ixy_event *event)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	int err = dev->transport->check(dev);

	if (err == -ENOTCONN || dev->paused) {
		if (watch->mbits) /* link down is reported before link up */
			return ixy_event_link(watch, event, 0, false);
		err = virtio_restart(dev);
	}
	if (err == -EIO)
		return ixy_event_end(watch, event, IXY_FAILED, "failed: it needs a reset");
	if (err == -ENODEV)
		return ixy_event_end(watch, event, IXY_GONE, "no longer answers");
	for (const struct virtio_queue *q = dev->queues; q < dev->end; q++)
		if (virtio_read(q->broken))
			return ixy_event_end(watch, event, IXY_FAILED,
					     "failed: invalid entries in a ring");

	int mbits = ixy_link_speed(ixy);
	if (mbits < 0)
		mbits = 0;
	if (!watch->started) {
		*watch = (struct ixy_watch){ .started = true, .mbits = mbits };
		return false;
	}
	return ixy_event_link(watch, event, mbits, false);
}
