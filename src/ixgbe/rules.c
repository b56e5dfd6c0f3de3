/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow rules: flow director with perfect match (7.1.2.7). A rule sits in the bucket of the card's table
 * that a hash of its fields says; the card looks for a packet's rule in the packet's bucket only, so the
 * driver computes the same hash. Masks say which fields count; they are the same for all rules.
 */
#include <netinet/in.h>

#include "extras.h"

#define BUCKET_KEY  0x3DAD14E2 /* as Linux and DPDK have it; any will do */
#define SMALLEST    1024u      /* filters, with PBALLOC 0, which is "off" */
#define RESERVED    2	       /* filters that the card keeps for itself */
#define SMALLEST_KB 32u
#define VLAN_ID	    0x0FFFu
#define DROP_QUEUE  127u
#define PORTS	    (IXY_FLOW_SRC_PORT | IXY_FLOW_DST_PORT)
#define FLEX_OFFSET (6u << 16)	/* in FDIRCTRL: the EtherType; it does not count */
#define LONGEST	    (10u << 24) /* of a bucket */

/* 64, 128 or 256 KB of the packet buffer. */
static uint32_t allocation(const struct ixgbe_device *dev)
{
	uint32_t code = 1;

	while ((SMALLEST << code) - RESERVED < dev->ixy.config.flow_rules)
		code++;
	return code;
}

/* 7.1.2.7.11 */
void ixgbe_init_rules(struct ixgbe_device *dev)
{
	const uint32_t code = allocation(dev);

	/* The table is taken from the packet buffer: reset leaves 512 KB of it, in an X540 and an X550 384 (Linux:
	 * IXGBE_X540_RX_PB_SIZE). */
	ixgbe_write(dev, RXPBSIZE(0), ixgbe_read(dev, RXPBSIZE(0)) - (SMALLEST_KB << code << 10));
	ixgbe_write(dev, FDIRHKEY, BUCKET_KEY);
	ixgbe_write(dev, FDIRCTRL,
		    FDIRCTRL_PERFECT | code | DROP_QUEUE << 8 | FLEX_OFFSET | LONGEST);
	ixgbe_wait_set(dev, FDIRCTRL, FDIRCTRL_INIT_DONE);
	ixgbe_read(dev, FDIRMATCH); /* reading clears */
	ixgbe_read(dev, FDIRMISS);
}

/* The masks of ports lie there with their bits in the opposite order. 1: does not count. */
static void set_masks(struct ixgbe_device *dev, uint8_t match)
{
	const uint32_t ports = (match & IXY_FLOW_DST_PORT ? 0 : 0xFFFF0000) |
			       (match & IXY_FLOW_SRC_PORT ? 0 : 0xFFFF);
	uint32_t others = FDIRM_VLANP | FDIRM_FLEX | FDIRM_POOL | FDIRM_IPV6;

	others |= match & IXY_FLOW_VLAN ? 0 : FDIRM_VLANID;
	others |= match & IXY_FLOW_PROTOCOL ? 0 : FDIRM_L4P;
	ixgbe_write(dev, FDIRM, others);
	ixgbe_write(dev, FDIRSIP4M, match & IXY_FLOW_SRC ? 0 : UINT32_MAX);
	ixgbe_write(dev, FDIRDIP4M, match & IXY_FLOW_DST ? 0 : UINT32_MAX);
	ixgbe_write(dev, FDIRTCPM, ports);
	ixgbe_write(dev, FDIRUDPM, ports);
	dev->extras->match = match;
}

/* FDIRCMD.L4TYPE, or 0 */
static uint32_t flow_type(uint8_t protocol)
{
	return protocol == IPPROTO_UDP	  ? FLOW_TYPE_UDP
	       : protocol == IPPROTO_TCP  ? FLOW_TYPE_TCP
	       : protocol == IPPROTO_SCTP ? FLOW_TYPE_SCTP
					  : 0;
}

static int check_possible(const struct ixgbe_device *dev)
{
	return dev->ixy.config.flow_rules
		       ? 0
		       : ixy_fail(ENOTSUP, "%s: flow rule: config.flow_rules is 0",
				  vfio_address(dev->ixy.vfio));
}

static int check_rule(const struct ixgbe_device *dev, const struct ixy_flow *flow)
{
	const struct ixgbe_extras *extras = dev->extras;
	const char *address = vfio_address(dev->ixy.vfio);

	if (flow->queue >= dev->ixy.config.rx_queues && flow->queue != IXY_FLOW_DROP)
		return ixy_fail(EINVAL, "%s: flow rule: no queue %u, there are %u", address,
				flow->queue, dev->ixy.config.rx_queues);
	if (flow->match & ~(IXY_FLOW_EXACT | IXY_FLOW_VLAN))
		return ixy_fail(EINVAL, "%s: flow rule: 0x%x has bits that are no field", address,
				flow->match);
	if (flow->match & IXY_FLOW_VLAN && flow->vlan > VLAN_ID)
		return ixy_fail(EINVAL, "%s: flow rule: VLAN %u; %u is the highest", address,
				flow->vlan, VLAN_ID);
	if (flow->match & IXY_FLOW_PROTOCOL && !flow_type(flow->protocol))
		return ixy_fail(EINVAL, "%s: flow rule: protocol %u; the card knows TCP, UDP, SCTP",
				address, flow->protocol);
	if (flow->match & PORTS &&
	    (!(flow->match & IXY_FLOW_PROTOCOL) || flow_type(flow->protocol) == FLOW_TYPE_SCTP))
		return ixy_fail(EINVAL,
				"%s: flow rule: ports without a protocol that is TCP or UDP",
				address);
	if (extras->used && flow->match != extras->match)
		return ixy_fail(EINVAL,
				"%s: flow rule: 0x%x are other fields than those of the other "
				"rules (0x%x); remove these first",
				address, flow->match, extras->match);
	if (extras->used == dev->ixy.config.flow_rules)
		return ixy_fail(ENOSPC,
				"%s: flow rule: config.flow_rules is %u, and all are in use",
				address, extras->used);
	return 0;
}

static uint32_t address_number(const uint8_t a[4])
{
	return (uint32_t)a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3];
}

/*
 * 7.1.2.7.4: the fields are a stream of bits, and each bit of the key adds the 16 bits (here 15 count) that
 * begin at its place, modulo two. All words of the stream have the same bits of the key, so they
 * are added first.
 */
static uint32_t bucket(const struct ixy_flow *f)
{
	uint32_t tag = f->match & IXY_FLOW_VLAN ? f->vlan : 0, words = 0, hash = 0;

	tag |= f->match & IXY_FLOW_PROTOCOL ? flow_type(f->protocol) << 16 : 0;
	words ^= f->match & IXY_FLOW_SRC ? address_number(f->src) : 0;
	words ^= f->match & IXY_FLOW_DST ? address_number(f->dst) : 0;
	words ^= f->match & IXY_FLOW_SRC_PORT ? (uint32_t)f->src_port << 16 : 0;
	words ^= f->match & IXY_FLOW_DST_PORT ? f->dst_port : 0;
	const uint64_t plain = (uint64_t)words << 16 | words >> 16;
	const uint64_t stream = plain ^ tag ^ (uint64_t)tag << 16;
	for (uint32_t bit = 0; bit < 32; bit++)
		if (BUCKET_KEY >> bit & 1)
			hash ^= (uint32_t)((bit ? stream : plain) >> bit);
	return hash & 0x7FFF;
}

/* Have the card carry out @command; it is done when the low bits are 0. */
static int carry_out(struct ixgbe_device *dev, uint32_t hash, uint32_t command)
{
	dev->error = ixgbe_gone(dev) ? -ENODEV : 0;
	ixgbe_write(dev, FDIRHASH, hash);
	ixgbe_write(dev, FDIRCMD, command);
	ixgbe_wait_clear(dev, FDIRCMD, FDIRCMD_CMD_MASK);
	return dev->error;
}

int ixgbe_add_rule(struct ixy_device *ixy, const struct ixy_flow *flow)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixgbe_extras *extras = dev->extras;
	const bool drop = flow->queue == IXY_FLOW_DROP;
	uint32_t source, destination, i = 0;

	int err = check_possible(dev) ?: check_rule(dev, flow);
	if (err)
		return err;
	if (ixgbe_gone(dev))
		return -ENODEV;
	if (!extras->used)
		set_masks(dev, flow->match);
	while (extras->rules[i])
		i++;
	/* Datasheet gap: which byte of an address comes first. As Linux has it, they lie there as in
	 * the packet; ports and tag are numbers. */
	memcpy(&source, flow->src, 4);
	memcpy(&destination, flow->dst, 4);
	ixgbe_write(dev, FDIRIPSA, source);
	ixgbe_write(dev, FDIRIPDA, destination);
	ixgbe_write(dev, FDIRPORT, (uint32_t)flow->dst_port << 16 | flow->src_port);
	ixgbe_write(dev, FDIRVLAN, flow->vlan);
	const uint32_t hash = (i + 1) << 16 | bucket(flow);
	err = carry_out(dev, hash,
			FDIRCMD_CMD_ADD | FDIRCMD_FILTER_UPDATE | FDIRCMD_LAST | FDIRCMD_QUEUE_EN |
				flow_type(flow->protocol) << 5 | (drop ? FDIRCMD_DROP : 0) |
				(drop ? DROP_QUEUE : flow->queue) << 16);
	if (err)
		return err;
	extras->rules[i] = hash;
	extras->used++;
	return (int)i;
}

int ixgbe_remove_rule(struct ixy_device *ixy, int rule)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	const uint32_t i = (uint32_t)rule, rules = ixy->config.flow_rules;

	int err = check_possible(dev);
	if (err)
		return err;
	if (i >= rules || !dev->extras->rules[i])
		return ixy_fail(ENOENT, "%s: there is no flow rule %d", vfio_address(ixy->vfio),
				rule);
	err = carry_out(dev, dev->extras->rules[i], FDIRCMD_CMD_REMOVE);
	if (err)
		return err;
	dev->extras->rules[i] = 0;
	dev->extras->used--;
	return 0;
}

int ixgbe_read_rule_stats(struct ixy_device *ixy, struct ixy_rule_stats *stats)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixy_rule_stats *sum = &dev->extras->rule_stats;

	int err = check_possible(dev);
	if (err)
		return err;
	if (ixgbe_gone(dev))
		return -ENODEV;
	sum->matched += ixgbe_read(dev, FDIRMATCH);
	sum->missed += ixgbe_read(dev, FDIRMISS);
	*stats = *sum;
	return 0;
}
