/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "drivers/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The port kind that plays captures: "replay:FILE[,FILE...][;OPTION=VALUE...]". A backslash takes the next
 * character of a file name literally.
 *
 *   loop=N         play N times, 0: without end (default 1)
 *   shift=yes      each round adds its number (0, 1, ...) to both IP addresses, for new flows: to the whole IPv4
 *                  address, with the header's checksum, or to the last 32 bits of the IPv6 address. Transport
 *                  checksums stay as they are, so they are wrong from round 1 on.
 *   rate=PPS       packets a second over all queues; k, M and G stand for thousands, millions, ...
 *   timing=captured  the capture's own gaps
 *
 * Without rate and timing packets come as fast as they are taken, with the capture's times; later rounds are
 * later by the capture's duration and one second. With rate or timing a packet's time is the wall clock at which
 * it is due.
 *
 * Frames are not copied: an mbuf points into the mapped file, read-only, without headroom. Only shifted packets
 * are copies. Octets past 65535 of a captured frame are not given.
 */
extern const struct mr_port_ops mr_replay_ops;

/**
 * The device for @p count files, names escaped, and the options ("loop=2;shift=yes", or NULL).
 * Returns memory for free(), NULL and errno when there is none.
 */
char *mr_replay_device(const char *const *files, size_t count, const char *options);

#ifdef __cplusplus
}
#endif
