/* SPDX-License-Identifier: BSD-2-Clause */
/* The register table's users: the index that finds a register by its offset, and the printer. */
#include <pthread.h>

#include "nic_internal.h"

/* For each word of BAR 0, the row of the register there and its place in the row's array. */
static struct {
	uint16_t row; /* 0: none; else row + 1 */
	uint16_t i;
} words[NIC_BAR0_SIZE / 4];
static pthread_once_t words_once = PTHREAD_ONCE_INIT;

static void index_words(void)
{
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		for (uint32_t i = 0; i < reg->count && reg->access != NIC_ALIAS; i++) {
			words[(reg->offset + i * reg->stride) / 4].row = (uint16_t)(row + 1);
			words[(reg->offset + i * reg->stride) / 4].i = (uint16_t)i;
		}
	}
	/* A second pass: now the registers that aliases stand for have their places. */
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		for (uint32_t i = 0; i < reg->count && reg->access == NIC_ALIAS; i++) {
			words[(reg->offset + i * reg->stride) / 4].row = words[reg->alias / 4].row;
			words[(reg->offset + i * reg->stride) / 4].i = (uint16_t)i;
		}
	}
}

const struct nic_reg *nic_reg_find(uint32_t *offset, uint32_t *i)
{
	pthread_once(&words_once, index_words);

	uint32_t row = words[*offset / 4].row;

	if (row == 0)
		return NULL;
	const struct nic_reg *reg = &nic_regs[row - 1];

	*i = words[*offset / 4].i;
	*offset = reg->offset + *i * reg->stride;
	return reg;
}

static const char *access_name(enum nic_access access)
{
	static const char *const names[] = {
		[NIC_RO] = "RO",	 [NIC_RW] = "RW",	    [NIC_RC] = "RC",
		[NIC_RC_LOW] = "RC low", [NIC_RC_HIGH] = "RC high", [NIC_W1C] = "RW1C",
		[NIC_WO] = "WO",	 [NIC_ALIAS] = "alias",
	};

	return names[access];
}

void nic_print_registers(FILE *file)
{
	fputs("| Register | Offset | Access | Reset | Writable | Triggers | Section |\n"
	      "|---|---|---|---|---|---|---|\n",
	      file);
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		fprintf(file, "| %s", reg->name);
		if (reg->count > 1)
			fprintf(file, "[%u]", reg->count);
		fprintf(file, " | 0x%05X", reg->offset);
		if (reg->count > 1)
			fprintf(file, " + 0x%X n", reg->stride);
		if (reg->access == NIC_ALIAS) {
			fprintf(file, " | alias of 0x%05X | | | | %s |\n", reg->alias,
				reg->section);
			continue;
		}
		fprintf(file, " | %s | 0x%08X | 0x%08X | 0x%08X | %s |\n", access_name(reg->access),
			reg->reset, reg->writable, reg->self_clearing, reg->section);
	}
}
