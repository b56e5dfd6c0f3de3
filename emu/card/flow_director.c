/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow director (7.1.2.7): up to 32 K filters that send a flow to a queue or drop it. The fields of a
 * packet, as far as the masks let them count, give a hash, which is a bucket of the table. In
 * perfect-match mode a filter of that bucket has to have the same fields; in signature mode a second
 * hash has to be the same. Drivers compute the hashes of their filters, so a filter that is in
 * another bucket than its packets matches none.
 *
 * Not here: pools (all packets are those of pool 0), perfect match of IPv6.
 */
#include <stdlib.h>

#include "datapath.h"

#define FILTERS_MAX    0x8000u
#define SIGNATURE_MASK 0x7FFFu

struct filter {
	uint16_t next; /* in the bucket, or of those not in use: index + 1 */
	uint16_t id;   /* signature, or software index */
	uint32_t source, destination, ports, vlan, command;
};

struct nic_director {
	uint32_t mask; /* of the bucket in a hash: there are as many buckets as filters */
	uint32_t room; /* filters that are not in use */
	uint16_t unused;
	uint16_t bucket[FILTERS_MAX];
	struct filter filter[FILTERS_MAX];
};

/*
 * What counts of a packet or a filter, as numbers. Datasheet gap: in the registers the first byte of
 * an address is the lowest, as Linux writes them; ports are numbers there.
 */
struct fields {
	uint32_t source, destination; /* of IPv6: the XOR of all words */
	uint32_t ports;		      /* destination 31:16, source 15:0 */
	uint16_t vlan, flex;
	uint8_t type; /* FDIRCMD_FLOW_TYPE() */
};

static bool is_perfect(const struct nic *nic)
{
	return nic_get(nic, FDIRCTRL) & FDIRCTRL_PERFECT;
}

/* ---- The table ---- */

static void clear_table(struct nic *nic, uint32_t size)
{
	struct nic_director *director = nic->director;

	memset(director->bucket, 0, sizeof(director->bucket));
	for (uint32_t i = 0; i < size; i++)
		director->filter[i].next = (uint16_t)(i + 1 < size ? i + 2 : 0);
	director->unused = 1;
	director->room = size;
	director->mask = size - 1;
	nic_set(nic, FDIRFREE, size);
	nic_set(nic, FDIRLEN, 0);
}

/* 7.1.2.7.11: the table is initialised at once; it is empty then. */
void nic_fdirctrl_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	const uint32_t size = FDIRCTRL_PBALLOC(value);

	(void)i;
	(void)old;
	if (!size)
		return;
	if (!nic->director)
		nic->director = malloc(sizeof(*nic->director));
	if (!nic->director)
		return; /* INIT_DONE never comes */
	nic_set(nic, FDIRCTRL, nic_get(nic, FDIRCTRL) | FDIRCTRL_INIT_DONE);
	/* 64, 128, 256 KB hold 8 K, 16 K, 32 K signature filters, or a quarter of perfect ones. */
	clear_table(nic, (value & FDIRCTRL_PERFECT ? 1024u : 4096u) << size);
}

/* Where the index of the filter is, or the end of the bucket. */
static uint16_t *find_place(struct nic_director *director, uint32_t hash)
{
	uint16_t *place = &director->bucket[hash & director->mask];

	while (*place && director->filter[*place - 1].id != hash >> 16)
		place = &director->filter[*place - 1].next;
	return place;
}

/* FDIRUSTAT and FDIRFSTAT: what was added and removed, and what could not be. */
static void count(struct nic *nic, bool worked, bool add)
{
	const uint32_t offset = worked ? FDIRUSTAT : FDIRFSTAT;
	const uint32_t shift = add ? 0 : worked ? 16 : 8;

	nic_set(nic, offset, nic_get(nic, offset) + (1u << shift));
}

/* FDIRLEN: the longest bucket since that was read last: its length, and which it is. */
static void note_length(struct nic *nic, uint32_t bucket)
{
	uint32_t length = 0;

	for (uint16_t i = nic->director->bucket[bucket]; i; i = nic->director->filter[i - 1].next)
		length++;
	if (length > (nic_get(nic, FDIRLEN) & 0x3F))
		nic_set(nic, FDIRLEN, bucket << 16 | (length < 0x3F ? length : 0x3F));
}

static void add_filter(struct nic *nic, uint32_t hash, uint32_t command)
{
	struct nic_director *director = nic->director;
	uint16_t *place = find_place(director, hash);

	if (*place && !(command & FDIRCMD_FILTER_UPDATE)) {
		nic_set(nic, FDIRCMD, nic_get(nic, FDIRCMD) | FDIRCMD_COLLISION);
		count(nic, false, true);
		return;
	}
	if (!*place && !director->unused) {
		count(nic, false, true);
		return;
	}
	if (!*place) {
		*place = director->unused;
		director->unused = director->filter[*place - 1].next;
		director->filter[*place - 1].next = 0;
		director->room--;
	}
	struct filter *filter = &director->filter[*place - 1];
	filter->id = (uint16_t)(hash >> 16);
	filter->source = __builtin_bswap32(nic_get(nic, FDIRIPSA));
	filter->destination = __builtin_bswap32(nic_get(nic, FDIRIPDA));
	filter->ports = nic_get(nic, FDIRPORT);
	filter->vlan = nic_get(nic, FDIRVLAN);
	filter->command = command;
	count(nic, true, true);
	note_length(nic, hash & director->mask);
	if (director->room < FDIRCTRL_FULL_THRESH(nic_get(nic, FDIRCTRL)) * 16)
		nic_irq_cause(nic, EICR_FLOW_DIR);
}

static void remove_filter(struct nic *nic, uint32_t hash)
{
	struct nic_director *director = nic->director;
	uint16_t *place = find_place(director, hash);
	const uint16_t found = *place;

	count(nic, found, false);
	if (!found)
		return;
	*place = director->filter[found - 1].next;
	director->filter[found - 1].next = director->unused;
	director->unused = found;
	director->room++;
}

/* Commands are done at once: CMD reads 0. */
void nic_fdircmd_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	const uint32_t hash = nic_get(nic, FDIRHASH) & ~FDIRHASH_BUCKET_VALID;
	uint16_t *place;

	(void)i;
	(void)old;
	nic_set(nic, FDIRCMD, value & ~(3u | FDIRCMD_COLLISION));
	if (!nic->director || !(nic_get(nic, FDIRCTRL) & FDIRCTRL_INIT_DONE))
		return;
	switch (FDIRCMD_CMD(value)) {
	case FDIRCMD_CMD_ADD:
		add_filter(nic, hash, value);
		break;
	case FDIRCMD_CMD_REMOVE:
		remove_filter(nic, hash);
		break;
	case FDIRCMD_CMD_QUERY:
		place = find_place(nic->director, hash);
		nic_set(nic, FDIRCMD,
			*place ? (nic->director->filter[*place - 1].command & ~3u) |
					 FDIRCMD_FILTER_VALID
			       : value & ~(3u | FDIRCMD_FILTER_VALID));
		break;
	default:
		break;
	}
	nic_set(nic, FDIRFREE, (nic_get(nic, FDIRFREE) & 0xFFFF0000) | nic->director->room);
}

/* ---- Packets ---- */

/* In the masks of ports the bits of each half are in the opposite order, and 1 is "does not count". */
static uint32_t port_mask(uint32_t mask)
{
	uint32_t ports = 0;

	for (uint32_t bit = 0; bit < 16; bit++)
		ports |= (mask >> bit & 0x00010001) << (15 - bit);
	return ~ports;
}

static struct fields get_fields(const struct nic *nic, const uint8_t *frame,
				const struct nic_packet *packet)
{
	const uint32_t flex = FDIRCTRL_FLEX(nic_get(nic, FDIRCTRL)) * 2;
	const uint8_t *l3 = frame + packet->l3;
	struct fields fields = { .vlan = packet->vlan_tag, .flex = load_be16(frame + flex) };

	if (packet->type & RXD_TYPE_IPV4) {
		fields.source = __builtin_bswap32(load32(l3 + 12));
		fields.destination = __builtin_bswap32(load32(l3 + 16));
	} else {
		fields.type = FLOW_TYPE_IPV6;
		for (uint32_t i = 0; i < 16; i += 4) {
			fields.source ^= __builtin_bswap32(load32(l3 + 8 + i));
			fields.destination ^= __builtin_bswap32(load32(l3 + 24 + i));
		}
	}
	fields.type |= packet->type & RXD_TYPE_TCP    ? FLOW_TYPE_TCP
		       : packet->type & RXD_TYPE_UDP  ? FLOW_TYPE_UDP
		       : packet->type & RXD_TYPE_SCTP ? FLOW_TYPE_SCTP
						      : 0;
	if (packet->type & (RXD_TYPE_TCP | RXD_TYPE_UDP)) /* those of SCTP do not count */
		fields.ports = (uint32_t)load_be16(frame + packet->l4 + 2) << 16 |
			       load_be16(frame + packet->l4);
	return fields;
}

static struct fields get_masks(const struct nic *nic, uint8_t type)
{
	const uint32_t fdirm = nic_get(nic, FDIRM);
	const uint32_t l4 = type & FLOW_TYPE_L4;

	return (struct fields){
		.source = ~__builtin_bswap32(nic_get(nic, FDIRSIP4M)),
		.destination = ~__builtin_bswap32(nic_get(nic, FDIRDIP4M)),
		.ports = l4 == FLOW_TYPE_TCP   ? port_mask(nic_get(nic, FDIRTCPM))
			 : l4 == FLOW_TYPE_UDP ? port_mask(nic_get(nic, FDIRUDPM))
					       : 0,
		.vlan = (fdirm & FDIRM_VLANID ? 0 : 0x0FFF) | (fdirm & FDIRM_VLANP ? 0 : 0xE000),
		.flex = fdirm & FDIRM_FLEX ? 0 : 0xFFFF,
		.type = fdirm & FDIRM_L4P ? 0 : FLOW_TYPE_IPV6 | FLOW_TYPE_L4,
	};
}

static void apply(struct fields *fields, const struct fields *masks)
{
	fields->source &= masks->source;
	fields->destination &= masks->destination;
	fields->ports &= masks->ports;
	fields->vlan &= masks->vlan;
	fields->flex &= masks->flex;
	fields->type &= masks->type;
}

/*
 * 7.1.2.7: bit n of the key adds the 16 bits of a stream that begin at its bit n. The stream is the
 * XOR of all words of the fields, one and a half times, with flow type and VLAN tag added twice. They
 * do not count for bit 0 of the key.
 */
static uint32_t hash_fields(const struct fields *f, uint32_t key)
{
	const uint32_t ports = f->ports << 16 | f->ports >> 16;
	const uint32_t words = f->source ^ f->destination ^ ports ^ (uint32_t)f->flex << 16;
	const uint64_t bare = (uint64_t)words << 16 | words >> 16;
	const uint64_t tag = (uint64_t)f->type << 16 | f->vlan;
	const uint64_t stream = bare ^ tag ^ tag << 16;
	uint32_t hash = key & 1 ? (uint32_t)bare : 0;

	for (uint32_t n = 1; n < 32; n++)
		hash ^= key >> n & 1 ? (uint32_t)(stream >> n) : 0;
	return hash;
}

static bool matches(const struct filter *filter, const struct fields *packet,
		    const struct fields *masks)
{
	struct fields fields = {
		.source = filter->source,
		.destination = filter->destination,
		.ports = filter->ports,
		.vlan = (uint16_t)filter->vlan,
		.flex = __builtin_bswap16((uint16_t)(filter->vlan >> 16)),
		.type = FDIRCMD_FLOW_TYPE(filter->command),
	};

	apply(&fields, masks);
	return fields.source == packet->source && fields.destination == packet->destination &&
	       fields.ports == packet->ports && fields.vlan == packet->vlan &&
	       fields.flex == packet->flex && fields.type == packet->type;
}

static const struct filter *find_filter(const struct nic *nic, const uint8_t *frame,
					const struct nic_packet *packet, uint32_t *hash)
{
	const bool perfect = is_perfect(nic);
	struct fields fields = get_fields(nic, frame, packet);
	const struct fields masks = get_masks(nic, fields.type);
	uint32_t signature = 0;

	if (perfect && fields.type & FLOW_TYPE_IPV6)
		return NULL;
	apply(&fields, &masks);
	*hash = hash_fields(&fields, nic_get(nic, FDIRHKEY)) & nic->director->mask;
	if (!perfect)
		signature = hash_fields(&fields, nic_get(nic, FDIRSKEY)) & SIGNATURE_MASK;
	for (uint16_t i = nic->director->bucket[*hash]; i; i = nic->director->filter[i - 1].next) {
		const struct filter *filter = &nic->director->filter[i - 1];
		if (perfect ? matches(filter, &fields, &masks) : filter->id == signature)
			return filter;
	}
	return NULL;
}

uint32_t nic_direct(struct nic *nic, const uint8_t *frame, struct nic_packet *packet,
		    uint32_t *status, uint32_t queue)
{
	const uint32_t control = nic_get(nic, FDIRCTRL);
	uint32_t hash = 0;

	if (!packet->l3)
		return queue;
	const struct filter *filter = find_filter(nic, frame, packet, &hash);
	nic_count(nic, filter ? FDIRMATCH : FDIRMISS, 1);
	if (control & FDIRCTRL_REPORT_STATUS_ALWAYS ||
	    (filter && control & FDIRCTRL_REPORT_STATUS)) {
		packet->rss_type = RXD_RSS_FLOW_DIRECTOR;
		packet->hash = hash | (filter ? (uint32_t)filter->id << 16 : 0);
	}
	if (!filter)
		return queue;
	*status |= RXD_FLM;
	if (filter->command & FDIRCMD_INT)
		nic_irq_cause(nic, EICR_FLOW_DIR);
	if (filter->command & FDIRCMD_DROP)
		return NIC_NO_QUEUE;
	return filter->command & FDIRCMD_QUEUE_EN ? FDIRCMD_RX_QUEUE(filter->command) : queue;
}
