/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_bench.h"

#include <stdlib.h>

#include <rte_common.h>

#include "app/mr_time.h"
#include "flow/mr_flow_rec.h"
#include "ipfix/mr_ipfix_exporter.h"

#define FLOWS	       4096
#define BURST	       64u
#define CLOSE_LIMIT_MS 1000

struct run {
	struct mr_ipfix_exporter *exporter;
	struct mr_flow_rec *recs;
	unsigned n;
};

/* All prepared records once, as the exporter's loop does it. */
static uint64_t chunk(void *ctx)
{
	struct run *r = ctx;
	const struct mr_ipfix_metering metering = { 0 };

	for (unsigned i = 0; i < r->n; i += BURST)
		mr_ipfix_exporter_put(r->exporter, r->recs + i, RTE_MIN(BURST, r->n - i), mr_time_utc_ns());
	mr_ipfix_exporter_tick(r->exporter, mr_time_utc_ns(), &metering);
	return r->n;
}

/* ns per flow */
static double measure(struct run *r, const struct mr_bench_effort *effort)
{
	double ns[MR_BENCH_REPEAT_MAX];

	for (unsigned i = 0; i < effort->repeat; i++) {
		struct mr_bench_lap lap = mr_bench_lap(effort, chunk, r);

		ns[i] = mr_bench_ns(&lap);
	}
	return mr_bench_median(ns, effort->repeat);
}

static int run(struct run *r, const struct mr_bench_effort *effort, struct mr_bench_records *ret,
	       struct mr_err *err)
{
	const struct mr_ipfix_metering metering = { 0 };
	struct mr_ipfix_collector_stats stats;
	struct mr_bench_sink *sink;
	double ns_per_flow;
	int rc = mr_bench_sink_new(effort->sink_cpu, &sink, err);

	if (rc < 0)
		return rc;
	rc = mr_bench_exporter_new(sink, &r->exporter, err);
	if (rc == 0) {
		ns_per_flow = measure(r, effort);
		mr_ipfix_exporter_close(r->exporter, mr_time_utc_ns(), &metering, CLOSE_LIMIT_MS, &stats,
					NULL);
		ret->records = stats.records;
		ret->refused = stats.not_sent_flows;
		ret->ns_per_record =
			ns_per_flow * (double)(stats.flows + stats.not_sent_flows) / (double)stats.records;
		ret->records_per_s = (double)MR_NS_PER_S / ret->ns_per_record;
		if (stats.records == 0)
			rc = mr_err_set(err, EIO, "no record could be sent over UDP to 127.0.0.1");
	}
	ret->udp_lost = ret->records - mr_bench_sink_close(sink);
	return rc;
}

int mr_bench_records_run(const struct mr_bench_effort *effort, struct mr_bench_records *ret,
			 struct mr_err *err)
{
	struct run r = { .recs = calloc(FLOWS, sizeof(struct mr_flow_rec)) };
	int rc = r.recs == NULL ? mr_err_set(err, ENOMEM, "out of memory")
				: mr_bench_make_records(FLOWS, r.recs, FLOWS, err);

	*ret = (struct mr_bench_records){ 0 };
	if (rc >= 0) {
		r.n = (unsigned)rc;
		rc = run(&r, effort, ret, err);
	}
	free(r.recs);
	return rc;
}
