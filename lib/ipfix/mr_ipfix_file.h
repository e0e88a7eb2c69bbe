/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ipfix/mr_ipfix_transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An RFC 5655 file: the messages one after the other. Written as PATH.part and renamed to PATH by close(), so
 * PATH never holds half a message; without a single message no file is left at all. When the disk is full the
 * file is cut back to its last whole message and later messages are tried again.
 */
extern const struct mr_ipfix_transport_ops mr_ipfix_file;

#ifdef __cplusplus
}
#endif
