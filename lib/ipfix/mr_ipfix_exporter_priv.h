/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ipfix/mr_ipfix_exporter.h"
#include "ipfix/mr_ipfix_transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/** mr_ipfix_exporter_open() with transports of the caller's choice, by enum mr_ipfix_proto. */
int mr_ipfix_exporter_open_with(const struct mr_ipfix_exporter_conf *conf,
				const struct mr_ipfix_transport_ops *const *transports, uint64_t now_ns,
				struct mr_ipfix_exporter **ret_exp, struct mr_err *err);

#ifdef __cplusplus
}
#endif
