/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_flow.h"

const struct mr_l7_port mr_l7_ports[] = {
	{ 80, MR_L7_TCP, "http" },
	{ 443, MR_L7_TCP, "tls" },
	{ 443, MR_L7_UDP, "quic" },
	{ 53, MR_L7_TCP | MR_L7_UDP, "dns" },
	{ 5353, MR_L7_UDP, "mdns" },
	{ 5355, MR_L7_UDP, "llmnr" },
	{ 22, MR_L7_TCP, "ssh" },
	{ 25, MR_L7_TCP, "smtp" },
	{ 587, MR_L7_TCP, "smtp" },
	{ 465, MR_L7_TCP, "tls" },
	{ 993, MR_L7_TCP, "tls" },
	{ 853, MR_L7_TCP, "tls" },
	{ 21, MR_L7_TCP, "ftp" },
	{ 445, MR_L7_TCP, "smb" },
	{ 3389, MR_L7_TCP, "rdp" },
	{ 67, MR_L7_UDP, "dhcp" },
	{ 68, MR_L7_UDP, "dhcp" },
	{ 123, MR_L7_UDP, "ntp" },
	{ 161, MR_L7_UDP, "snmp" },
	{ 162, MR_L7_UDP, "snmp" },
	{ 5060, MR_L7_TCP | MR_L7_UDP, "sip" },
	{ 1883, MR_L7_TCP, "mqtt" },
	{ 502, MR_L7_TCP, "modbus" },
	{ 0, 0, NULL },
};
