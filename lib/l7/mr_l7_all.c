/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_priv.h"

const struct mr_l7_field_info mr_l7_field_info[MR_L7_FIELD_MAX] = {
#define MR_L7_INFO(ID, name, type, octets, bits, pen, element, doc)                                          \
	[MR_L7_F_##ID] = { name, doc, pen, element, type, octets, bits },
	MR_L7_FIELDS(MR_L7_INFO)
#undef MR_L7_INFO
};

/* clang-format off: one row a line */
const struct mr_l7_ops *const mr_l7_all[] = {
	&mr_l7_http2,
	&mr_l7_http,
	&mr_l7_mdns,
	&mr_l7_llmnr,
	&mr_l7_dns,
	&mr_l7_ssh,
	&mr_l7_tls,
	&mr_l7_quic,
	&mr_l7_dhcp,
	&mr_l7_dhcpv6,
	&mr_l7_snmp,
	&mr_l7_sip,
	&mr_l7_smb,
	&mr_l7_rdp,
	&mr_l7_mqtt,
	&mr_l7_modbus,
	&mr_l7_smtp,
	&mr_l7_ftp,
	&mr_l7_ntp,
	NULL,
};
/* clang-format on */
