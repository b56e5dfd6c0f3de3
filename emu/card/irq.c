/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts (7.3): causes, masks, and which vector is signalled when.
 *
 * There are two sorts of causes. Queues and IVAR: with MSI-X (GPIE.Multiple_MSIX) IVAR gives each
 * queue one of 64 vectors, and the cause is the vector; without, one of the 16 low bits of EICR.
 * The other causes, EICR 30:16, share the vectors in IVAR_MISC, or the only one.
 *
 * EIMS, EIMC, EICS, EIAM have extensions of 64 bits for the vectors, the low 16 of which are the
 * low 16 bits of the register itself. EICR has none: causes above 15 always clear by themselves
 * when their message is sent; the low ones do that where EIAC is set.
 *
 * A vector is requested when a cause that is not masked becomes active, or an active one is
 * unmasked. The message is sent when EITR allows, unless the cause has been cleared or masked by then.
 */
#include <string.h>

#include "nic_internal.h"

#define QUEUE_BITS 0xFFFFu     /* of EICR and its kind */
#define OTHER_BITS 0x3FFF0000u /* share IVAR_MISC[1] */
#define TIMER_BIT  EICR_TCP_TIMER
#define EITR_UNIT  2048 /* ns, at 10 Gbit/s and 1 Gbit/s */

static bool msix(const struct nic *nic)
{
	return nic_get(nic, GPIE) & GPIE_MSIX;
}

/* The vector of an entry of IVAR or IVAR_MISC as a bit; 0 if the entry is not valid. */
static uint64_t vector_bit(const struct nic *nic, uint32_t ivar, uint32_t entry)
{
	uint32_t value = nic_get(nic, ivar) >> 8 * entry;

	return value & IVAR_VALID ? 1ull << (value & IVAR_VECTOR) : 0;
}

/* The vectors that signal these causes. */
static uint64_t vectors_of(const struct nic *nic, uint64_t queue, uint32_t other)
{
	uint64_t vectors = queue;

	if (!msix(nic))
		return (queue & QUEUE_BITS) || other ? 1 : 0;
	if (other & OTHER_BITS)
		vectors |= vector_bit(nic, IVAR_MISC, 1);
	if (other & TIMER_BIT)
		vectors |= vector_bit(nic, IVAR_MISC, 0);
	return vectors;
}

/* The message for @vector is on its way: 7.3.1.4 auto-clear, 7.3.1.5 auto-mask. */
static void after_message(struct nic *nic, uint32_t vector)
{
	struct nic_irq *irq = &nic->irq;
	uint64_t bit = 1ull << vector;
	uint32_t eiac = nic_get(nic, EIAC);

	if (!msix(nic))
		return;
	if (!(bit & QUEUE_BITS) || (bit & eiac))
		irq->queue_cause &= ~bit;
	if (bit & vector_bit(nic, IVAR_MISC, 0))
		irq->other_cause &= ~(eiac & TIMER_BIT);
	if (nic_get(nic, GPIE) & GPIE_EIAME) {
		irq->queue_mask &= ~(bit & irq->queue_auto_mask);
		if (bit & vector_bit(nic, IVAR_MISC, 1))
			irq->other_mask &= ~(OTHER_BITS & irq->other_auto_mask);
		if (bit & vector_bit(nic, IVAR_MISC, 0))
			irq->other_mask &= ~(TIMER_BIT & irq->other_auto_mask);
	}
}

/* Send what may be sent now. A message is a write to memory: no bus mastering, no message. */
static void send_messages(struct nic *nic)
{
	struct nic_irq *irq = &nic->irq;

	if (!nic->pci.master)
		return;
	irq->request &= vectors_of(nic, irq->queue_cause & irq->queue_mask,
				   irq->other_cause & irq->other_mask);
	for (uint64_t left = irq->request; left; left &= left - 1) {
		uint32_t vector = (uint32_t)__builtin_ctzll(left);
		uint32_t interval = EITR_INTERVAL(nic_get(nic, EITR(vector)));

		if (nic->now < irq->due[vector])
			continue;
		irq->due[vector] = nic->now + (uint64_t)interval * EITR_UNIT;
		irq->request &= ~(1ull << vector);
		after_message(nic, vector);
		nic->account.interrupts++;
		nic->host.interrupt(nic->host.ctx, vector);
	}
}

static void raise_causes(struct nic *nic, uint64_t queue, uint32_t other)
{
	struct nic_irq *irq = &nic->irq;
	uint64_t new_queue = queue & ~irq->queue_cause;
	uint32_t new_other = other & ~irq->other_cause;

	irq->queue_cause |= queue;
	irq->other_cause |= other;
	new_queue &= irq->queue_mask;
	new_other &= irq->other_mask;
	if (new_queue || new_other) {
		irq->request |= vectors_of(nic, new_queue, new_other);
		send_messages(nic);
	}
}

static void unmask_causes(struct nic *nic, uint64_t queue, uint32_t other)
{
	struct nic_irq *irq = &nic->irq;
	uint64_t new_queue = queue & ~irq->queue_mask & irq->queue_cause;
	uint32_t new_other = other & ~irq->other_mask & irq->other_cause;

	irq->queue_mask |= queue;
	irq->other_mask |= other;
	if (new_queue || new_other) {
		irq->request |= vectors_of(nic, new_queue, new_other);
		send_messages(nic);
	}
}

static void raise_queue(struct nic *nic, uint32_t queue, uint32_t direction)
{
	uint64_t bit = vector_bit(nic, IVAR(queue / 2), 2 * (queue % 2) + direction);

	if (bit & ~nic->irq.queue_cause)
		raise_causes(nic, bit, 0);
}

/* 7.3.2.1.1: large receives end when the interrupt may be sent. */
bool nic_irq_rx_due(const struct nic *nic, uint32_t queue)
{
	const uint64_t bit = vector_bit(nic, IVAR(queue / 2), 2 * (queue % 2));

	return !bit || nic->now >= nic->irq.due[msix(nic) ? __builtin_ctzll(bit) : 0];
}

void nic_irq_rx(struct nic *nic, uint32_t queue)
{
	raise_queue(nic, queue, 0);
}

void nic_irq_tx(struct nic *nic, uint32_t queue)
{
	raise_queue(nic, queue, 1);
}

void nic_irq_cause(struct nic *nic, uint32_t eicr)
{
	raise_causes(nic, 0, eicr & (OTHER_BITS | TIMER_BIT));
}

/* 7.3.1.1: without MSI the causes drive a line, which is active as long as one of them is. */
bool nic_intx_pending(const struct nic *nic)
{
	const struct nic_irq *irq = &nic->irq;

	return !msix(nic) && vectors_of(nic, irq->queue_cause & irq->queue_mask,
					irq->other_cause & irq->other_mask);
}

void nic_intx_unmasked(struct nic *nic)
{
	if (!nic_intx_pending(nic))
		return;
	nic->irq.request |= 1;
	send_messages(nic);
}

void nic_irq_poll(struct nic *nic)
{
	if (nic->irq.request)
		send_messages(nic);
}

void nic_irq_reset(struct nic *nic)
{
	memset(&nic->irq, 0, sizeof(nic->irq));
}

/* ---- Registers ---- */

static uint64_t low(uint32_t value)
{
	return value & QUEUE_BITS;
}

static uint32_t high(uint32_t value)
{
	return value & (OTHER_BITS | TIMER_BIT);
}

static uint64_t extended(uint32_t i, uint32_t value)
{
	return (uint64_t)value << 32 * i;
}

/* GPIE.EIAME 0: accessing EICR masks the bits in EIAM, active or not. */
static void auto_mask_by_access(struct nic *nic)
{
	struct nic_irq *irq = &nic->irq;

	if (nic_get(nic, GPIE) & GPIE_EIAME)
		return;
	irq->queue_mask &= ~(irq->queue_auto_mask & QUEUE_BITS);
	irq->other_mask &= ~irq->other_auto_mask;
}

/* EICS shows the causes, too, and does not clear them: Linux reads them there. */
uint32_t nic_eics_read(struct nic *nic, uint32_t i)
{
	(void)i;
	return (uint32_t)low((uint32_t)nic->irq.queue_cause) | nic->irq.other_cause;
}

/* Reading clears everything, or with GPIE.OCD the other causes only. */
uint32_t nic_eicr_read(struct nic *nic, uint32_t i)
{
	uint32_t value = nic_eics_read(nic, i);

	nic->irq.other_cause &= ~OTHER_BITS;
	if (!(nic_get(nic, GPIE) & GPIE_OCD)) {
		nic->irq.queue_cause &= ~(uint64_t)QUEUE_BITS;
		nic->irq.other_cause = 0;
	}
	auto_mask_by_access(nic);
	return value;
}

void nic_eicr_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	(void)old;
	nic->irq.queue_cause &= ~low(value);
	nic->irq.other_cause &= ~high(value);
	auto_mask_by_access(nic);
}

/* 8.2.3.5.6: bits of EIAM are also unmasked by setting them in EICS. */
static void set_causes(struct nic *nic, uint64_t queue, uint32_t other)
{
	unmask_causes(nic, queue & nic->irq.queue_auto_mask, other & nic->irq.other_auto_mask);
	raise_causes(nic, queue, other);
}

void nic_eics_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	(void)old;
	set_causes(nic, low(value), high(value));
}

void nic_eics_ex_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)old;
	set_causes(nic, extended(i, value), 0);
}

uint32_t nic_eims_read(struct nic *nic, uint32_t i)
{
	(void)i;
	return (uint32_t)low((uint32_t)nic->irq.queue_mask) | nic->irq.other_mask;
}

uint32_t nic_eims_ex_read(struct nic *nic, uint32_t i)
{
	return (uint32_t)(nic->irq.queue_mask >> 32 * i);
}

void nic_eims_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	(void)old;
	unmask_causes(nic, low(value), high(value));
}

void nic_eims_ex_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)old;
	unmask_causes(nic, extended(i, value), 0);
}

void nic_eimc_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	(void)old;
	nic->irq.queue_mask &= ~low(value);
	nic->irq.other_mask &= ~high(value);
}

void nic_eimc_ex_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)old;
	nic->irq.queue_mask &= ~extended(i, value);
}

uint32_t nic_eiam_read(struct nic *nic, uint32_t i)
{
	(void)i;
	return (uint32_t)low((uint32_t)nic->irq.queue_auto_mask) | nic->irq.other_auto_mask;
}

uint32_t nic_eiam_ex_read(struct nic *nic, uint32_t i)
{
	return (uint32_t)(nic->irq.queue_auto_mask >> 32 * i);
}

void nic_eiam_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	(void)old;
	nic->irq.queue_auto_mask = (nic->irq.queue_auto_mask & ~(uint64_t)QUEUE_BITS) | low(value);
	nic->irq.other_auto_mask = high(value);
}

void nic_eiam_ex_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)old;
	nic->irq.queue_auto_mask &= ~extended(i, UINT32_MAX);
	nic->irq.queue_auto_mask |= extended(i, value);
}

/*
 * 8.2.3.5.12: the upper bits are the high bits of the counter that runs down to the next message.
 * A write loads it, too, unless CNT_WDIS is set. There is an EITR for each vector of the PF;
 * the others belong to VFs.
 */
void nic_eitr_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)old;
	if (i >= NIC_MSIX_COUNT || (value & EITR_CNT_WDIS))
		return;
	nic->irq.due[i] = nic->now + (uint64_t)EITR_COUNTER(value) * 4 * EITR_UNIT;
}

void nic_eitr_high_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	nic_eitr_written(nic, 24 + i, old, value);
}
