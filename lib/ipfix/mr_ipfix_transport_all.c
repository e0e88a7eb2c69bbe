/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_transport.h"

#include "ipfix/mr_ipfix_file.h"

const struct mr_ipfix_transport_ops *const mr_ipfix_transport_all[MR_IPFIX_PROTO_MAX] = {
	[MR_IPFIX_FILE] = &mr_ipfix_file,
};
