/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts (7.3) and events. With MSI-X, vector 0 is for the other causes (the link, faults) and
 * vector 1 + n for receive queue n. With MSI there is one message, and bit n of EICR is the cause of
 * queue n.
 *
 * How an interrupt comes with MSI-X: a descriptor written back sets the queue's cause. If EIMS has
 * its bit, and EITR's interval since the last message is over, the message goes out. With it the card
 * clears the cause (EIAC, 7.3.1.4) and the bit in EIMS (EIAM, 7.3.1.5): there is no second message
 * until ixgbe_arm() sets that bit again. A cause that comes meanwhile stays, and makes its message
 * then. So arming is one register write, and software never clears a cause, which could be that of a
 * packet it has not seen.
 *
 * MSI has no auto-clear. A message goes out when a cause becomes 1, so arming has to clear it first:
 * see ixgbe_arm().
 */
#include <time.h>

#include <sys/eventfd.h>

#include <ixy/vfio_irq.h>
#include <ixy/vfio_pci.h>

#include "../driver/wait.h"
#include "ixgbe.h"

#define EIAC_QUEUES  0xFFFF /* causes above vector 15 clear by themselves */
#define IVARS	     64
#define OTHER_CAUSES (EICR_PCI | EICR_LSC | EICR_TS | EICR_ECC)
#define MSI_QUEUES   16 /* bits of EICR that queues can have */
#define SHORTEST_US  8
#define LONGEST_US   128

static struct ixgbe_device *ixgbe_device_of(const struct ixy_interrupts *in)
{
	return (struct ixgbe_device *)in->dev;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* ---- Throttling ---- */

/* 8.2.3.5.12: bits 11:3 in units of 2 us. CNT_WDIS: what is left of the running interval stays. */
static void ixgbe_set_interval(struct ixy_interrupts *in, uint32_t vector, uint32_t us)
{
	in->vectors[vector].interval_us = us;
	ixgbe_write(ixgbe_device_of(in), EITR(vector), EITR_CNT_WDIS | (us + 1) / 2 << 3);
}

/* An interrupt has come: see struct ixy_interrupt_config. */
static void ixgbe_adapt_interval(struct ixy_interrupts *in, uint32_t vector)
{
	struct ixy_vector *v = &in->vectors[vector];
	const uint64_t now = now_ns(), gap = (now - v->last) / 1000;
	uint32_t us = v->interval_us;

	v->last = now;
	if (gap < 2 * us && us < LONGEST_US)
		us *= 2;
	else if (gap > 4 * us)
		us = SHORTEST_US;
	if (us != v->interval_us)
		ixgbe_set_interval(in, vector, us);
}

/* ---- On and off ---- */

static int ixgbe_arm_vectors(struct ixy_interrupts *in, const struct ixy_interrupt_config *config)
{
	struct vfio_device *vfio = in->dev->vfio;
	const char *address = vfio_address(vfio);
	const uint32_t queues = in->dev->config.rx_queues;
	int have = vfio_irq_count(vfio, VFIO_PCI_MSIX_IRQ_INDEX), fds[IXY_VECTORS];

	in->msix = have > 0 && !config->msi;
	if (!in->msix)
		have = vfio_irq_count(vfio, VFIO_PCI_MSI_IRQ_INDEX);
	if (have <= 0)
		return ixy_fail(ENOTSUP, "%s: the card has no MSI%s%s", address,
				config->msi ? "" : "-X and no MSI",
				vfio_has_iommu(vfio) ? "" : ": interrupts need vfio-pci");
	if (in->msix && (1 + queues > (uint32_t)have || 1 + queues > IXY_VECTORS))
		return ixy_fail(
			ENOSPC,
			"%s: interrupts of %u receive queues need %u vectors, one of them for "
			"events; the MSI-X table in the card's config space has %d, and the "
			"82599 can name %d (IVAR)",
			address, queues, 1 + queues, have, IXY_VECTORS);
	if (!in->msix && queues > MSI_QUEUES)
		return ixy_fail(
			ENOSPC,
			"%s: with MSI up to %d receive queues can interrupt, not %u: EICR has "
			"no more bits for them",
			address, MSI_QUEUES, queues);

	const uint32_t count = in->msix ? 1 + queues : 1;
	int err = vfio_irq_arm(vfio, in->msix ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX, 0,
			       count, fds);
	if (err == -ENOSPC)
		return ixy_fail(ENOSPC,
				"%s: the system cannot provide %u vectors; use fewer queues",
				address, count);
	for (uint32_t i = 0; !err && i < count; i++)
		in->vectors[i] = (struct ixy_vector){ .fd = fds[i], .last = now_ns() };
	return err;
}

static void ixgbe_interrupts_off(struct ixy_interrupts *in)
{
	struct ixgbe_device *dev = ixgbe_device_of(in);

	ixgbe_write(dev, EIMC, EIMC_ALL);
	ixgbe_write(dev, EIMC_EX(0), UINT32_MAX);
	ixgbe_write(dev, EIMC_EX(1), UINT32_MAX);
	vfio_irq_disarm(dev->ixy.vfio, in->msix ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX);
}

/* 4.6.6, 7.3.4 */
static int ixgbe_interrupts_on(struct ixy_interrupts *in, const struct ixy_interrupt_config *config)
{
	struct ixgbe_device *dev = ixgbe_device_of(in);
	const uint32_t queues = dev->ixy.config.rx_queues;
	uint32_t ivar[IVARS] = { 0 };

	/* Arms those two interrupts, as far as the device has them; and is it ours? */
	int err = vfio_check(dev->ixy.vfio) ?: ixgbe_arm_vectors(in, config);
	if (err)
		return err;
	in->event_fds[0] = in->msix ? in->vectors[0].fd : -1;
	in->event_fds[1] = vfio_irq_eventfd(dev->ixy.vfio, VFIO_PCI_ERR_IRQ_INDEX, 0);
	in->event_fds[2] = vfio_irq_eventfd(dev->ixy.vfio, VFIO_PCI_REQ_IRQ_INDEX, 0);

	ixgbe_write(dev, GPIE,
		    in->msix ? GPIE_MSIX | GPIE_OCD | GPIE_EIAME | GPIE_PBA_SUPPORT : GPIE_OCD);
	ixgbe_write(dev, EIAC, in->msix ? EIAC_QUEUES : 0);
	ixgbe_write(dev, EIAM, 0); /* of the other causes, too */
	ixgbe_write(dev, EIAM_EX(0), in->msix ? UINT32_MAX : 0);
	ixgbe_write(dev, EIAM_EX(1), in->msix ? UINT32_MAX : 0);
	for (uint32_t q = 0; q < queues; q++)
		ivar[q / 2] |= (IVAR_VALID | (in->msix ? 1 + q : q)) << q % 2 * 16;
	for (uint32_t i = 0; i < IVARS; i++)
		ixgbe_write(dev, IVAR(i), ivar[i]);
	ixgbe_write(dev, IVAR_MISC, in->msix ? (IVAR_VALID | 0) << 8 : 0);

	in->adaptive = !config->throttle_us;
	const uint32_t us = config->throttle_us ?: SHORTEST_US;
	for (uint32_t i = in->msix; i < in->msix + (in->msix ? queues : 1); i++)
		ixgbe_set_interval(in, i, us);
	if (in->msix)
		ixgbe_write(dev, EIMS, OTHER_CAUSES);
	return 0;
}

/* ---- Between polling and sleeping ---- */

static bool ixgbe_waiting(struct ixy_device *ixy, uint16_t queue)
{
	const struct ixgbe_queue *q = &((struct ixgbe_device *)ixy)->rx[queue];
	bool done = q->ring[q->next].info & RXD_DD;

	dma_rmb();
	return done;
}

static bool ixgbe_arm(struct ixy_interrupts *in, uint16_t queue)
{
	struct ixgbe_device *dev = ixgbe_device_of(in);
	const uint32_t vector = in->msix ? 1 + queue : 0;
	eventfd_t signals;

	/* First: a signal that comes from here on is one to wake up for. */
	if (!eventfd_read(in->vectors[vector].fd, &signals) && in->adaptive)
		ixgbe_adapt_interval(in, vector);
	if (in->msix) {
		ixgbe_write(dev, EIMS_EX(vector / 32), 1u << vector % 32);
	} else {
		/* A cause that comes after it was cleared makes a message. What it was cleared for is in
		 * the ring: a read from the card arrives after all that the card has written. */
		ixgbe_write(dev, EICR, 1u << queue);
		ixgbe_write(dev, EIMS, 1u << queue);
		ixgbe_read(dev, EIMS);
	}
	/* The last thing: packets whose signal was taken above are in the ring by now; with MSI it may
	 * have been the signal of any queue. */
	bool packets = ixgbe_waiting(in->dev, queue);
	for (uint16_t other = 0; !in->msix && other < in->dev->config.rx_queues; other++)
		packets |= ixgbe_waiting(in->dev, other);
	return packets;
}

static bool ixgbe_sending(struct ixy_device *ixy, uint16_t queue)
{
	ixy_tx_batch(ixy, queue, NULL, 0);
	return ((struct ixgbe_device *)ixy)->tx[queue].held;
}

/* ---- Events ---- */

static bool ixgbe_next_event(struct ixy_device *ixy, struct ixy_watch *watch,
			     struct ixy_event *event)
{
	static const struct {
		uint32_t cause;
		enum ixy_event_kind kind;
		const char *text;
	} faults[] = {
		{ EICR_TS, IXY_TOO_HOT, "too hot" },
		{ EICR_PCI, IXY_BAD_DMA, "a memory access failed" },
		{ EICR_ECC, IXY_BAD_MEMORY, "an error in its memory" },
	};
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	/* Reading clears them, and lets them interrupt again. First the cause, then what it is about. */
	uint32_t causes = ixgbe_read(dev, EICR);
	int mbits = ixgbe_link_speed(ixy);
	if (mbits < 0)
		return ixy_event_end(watch, event, IXY_GONE, "no longer answers");

	if (!watch->started) {
		*watch = (struct ixy_watch){ .started = true, .mbits = mbits };
		return false;
	}
	watch->causes |= causes & OTHER_CAUSES;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (watch->causes & faults[i].cause) {
			watch->causes &= ~faults[i].cause;
			event->kind = faults[i].kind;
			snprintf(event->text, sizeof(event->text), "%s", faults[i].text);
			return true;
		}
	bool flapped = watch->causes & EICR_LSC;
	watch->causes &= ~EICR_LSC;
	return ixy_event_link(watch, event, mbits, flapped);
}

const struct ixy_interrupt_ops ixgbe_interrupt_ops = {
	.on = ixgbe_interrupts_on,
	.off = ixgbe_interrupts_off,
	.arm = ixgbe_arm,
	.waiting = ixgbe_waiting,
	.sending = ixgbe_sending,
	.next_event = ixgbe_next_event,
};
