/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_transport.h"

const struct mr_ipfix_transport_ops *const mr_ipfix_transport_all[MR_IPFIX_PROTO_MAX] = {
	[MR_IPFIX_UDP] = &mr_ipfix_transport_udp,
	[MR_IPFIX_TCP] = &mr_ipfix_transport_tcp,
	[MR_IPFIX_TLS] = &mr_ipfix_transport_tls,
	[MR_IPFIX_FILE] = &mr_ipfix_transport_file,
};
