/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/mr_err.h"

/** A capture being written: pcapng when the name ends so, else pcap; both Ethernet with nanoseconds. */
struct gen_file;

/** Errors: -errno with a line. Replaces an existing file. */
int gen_file_open(const char *path, struct gen_file **ret_file, struct mr_err *err);

/** @p cap octets of a frame that had @p wire on the wire. Errors show at gen_file_close(). */
void gen_file_put(struct gen_file *file, uint64_t time_ns, const uint8_t *data, uint32_t cap, uint32_t wire);

/** Frees in any case; -errno with a line when not everything could be written. */
int gen_file_close(struct gen_file *file, struct mr_err *err);
