/* SPDX-License-Identifier: BSD-2-Clause */
/* 5-tuple filters (7.1.2.5): send a flow to a queue. */
#include "ixgbe.h"

#include <netinet/in.h>

#define FILTERS 128

#define FTQF_MASK_SHIFT 25 /* FTQF_MASK_SRC and following, in the order of IXY_FLOW_* */

/* Datasheet gap: which byte of an address or port comes first. As DPDK has it, they lie in the
 * registers as in the packet: the first byte is the lowest one. */
static uint32_t address_register(const uint8_t address[4])
{
	return address[0] | address[1] << 8 | address[2] << 16 | (uint32_t)address[3] << 24;
}

/* Only the card knows which filters are in use. */
static bool in_use(struct ixgbe_device *dev, uint32_t filter)
{
	return ixgbe_read(dev, FTQF(filter)) & FTQF_QUEUE_EN;
}

/* Return: FTQF.Protocol, or -1. Code 3 means none of the three, which is of little use. */
static int protocol_code(uint8_t protocol)
{
	static const uint8_t codes[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

	for (int i = 0; i < 3; i++)
		if (codes[i] == protocol)
			return i;
	return -1;
}

static int check_flow(const struct ixgbe_device *dev, const struct ixy_flow *flow)
{
	const char *address = vfio_address(dev->ixy.vfio);

	if (flow->queue >= dev->ixy.config.rx_queues)
		return ixy_fail(EINVAL, "%s: flow filter: no queue %u, there are %u", address,
				flow->queue, dev->ixy.config.rx_queues);
	if (flow->priority > 7)
		return ixy_fail(EINVAL, "%s: flow filter: priority %u; 7 is the highest", address,
				flow->priority);
	if (flow->match & ~IXY_FLOW_EXACT)
		return ixy_fail(EINVAL, "%s: flow filter: 0x%x has bits that are no field", address,
				flow->match);
	if (flow->match & IXY_FLOW_PROTOCOL && protocol_code(flow->protocol) < 0)
		return ixy_fail(EINVAL,
				"%s: flow filter: protocol %u; the card knows TCP, UDP, SCTP",
				address, flow->protocol);
	return 0;
}

int ixgbe_add_flow(struct ixy_device *ixy, const struct ixy_flow *flow)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	uint32_t i = 0;

	int err = check_flow(dev, flow);
	if (err)
		return err;
	if (ixgbe_gone(dev))
		return -ENODEV;
	while (i < FILTERS && in_use(dev, i))
		i++;
	if (i == FILTERS)
		return ixy_fail(ENOSPC, "%s: flow filter: the card has %u, and all are in use",
				vfio_address(ixy->vfio), FILTERS);

	uint32_t ftqf = FTQF_QUEUE_EN | FTQF_MASK_POOL;
	ftqf |= (uint32_t)(~flow->match & IXY_FLOW_EXACT) << FTQF_MASK_SHIFT;
	ftqf |= (uint32_t)(flow->priority ?: 1) << 2; /* 0 is reserved */
	if (flow->match & IXY_FLOW_PROTOCOL)
		ftqf |= (uint32_t)protocol_code(flow->protocol);
	ixgbe_write(dev, SAQF(i), address_register(flow->src));
	ixgbe_write(dev, DAQF(i), address_register(flow->dst));
	ixgbe_write(dev, SDPQF(i), htons(flow->src_port) | (uint32_t)htons(flow->dst_port) << 16);
	ixgbe_write(dev, L34TIMIR(i), L34TIMIR_RESERVED | (uint32_t)flow->queue << 21);
	ixgbe_write(dev, FTQF(i), ftqf); /* last: from here on it is in force */
	return (int)i;
}

int ixgbe_remove_flow(struct ixy_device *ixy, int flow)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	if (ixgbe_gone(dev))
		return -ENODEV;
	if (flow < 0 || flow >= FILTERS || !in_use(dev, (uint32_t)flow))
		return ixy_fail(ENOENT, "%s: there is no flow filter %d", vfio_address(ixy->vfio),
				flow);
	ixgbe_write(dev, FTQF(flow), 0);
	return 0;
}
