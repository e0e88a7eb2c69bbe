/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "l7/mr_l7.h"

/** @file The rows of mr_l7_all[]. */

extern const struct mr_l7_ops mr_l7_http;
extern const struct mr_l7_ops mr_l7_dns;
extern const struct mr_l7_ops mr_l7_mdns;
extern const struct mr_l7_ops mr_l7_llmnr;
extern const struct mr_l7_ops mr_l7_http2;
extern const struct mr_l7_ops mr_l7_quic;
extern const struct mr_l7_ops mr_l7_ssh;
extern const struct mr_l7_ops mr_l7_tls;
extern const struct mr_l7_ops mr_l7_dhcp;
extern const struct mr_l7_ops mr_l7_dhcpv6;
extern const struct mr_l7_ops mr_l7_ftp;
extern const struct mr_l7_ops mr_l7_modbus;
extern const struct mr_l7_ops mr_l7_mqtt;
extern const struct mr_l7_ops mr_l7_ntp;
extern const struct mr_l7_ops mr_l7_rdp;
extern const struct mr_l7_ops mr_l7_sip;
extern const struct mr_l7_ops mr_l7_smb;
extern const struct mr_l7_ops mr_l7_smtp;
extern const struct mr_l7_ops mr_l7_snmp;
