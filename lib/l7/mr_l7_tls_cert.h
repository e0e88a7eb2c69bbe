/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "l7/mr_l7.h"

/** Certificates longer than this are skipped. */
#define MR_L7_TLS_CERT_MAX 12288u

/**
 * Put a certificate as sent, for rules, and for the @p first of a chain (the server's own) its names, times
 * and fingerprints. One that can't be read has only its fingerprints.
 */
void mr_l7_tls_cert_put(const uint8_t *data, uint32_t len, bool first, struct mr_l7_sink *sink);
