/* SPDX-License-Identifier: Apache-2.0 */
/* From options to rows: ready tables, or every combination of lists. */
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/mr_bench.h"
#include "drivers/synth/mr_traffic.h"

#define ITEM_MAX 32

typedef int (*item_fn)(const char *text, struct mr_bench_row *row);

/* One of the lists that make rows by combination. */
struct dimension {
	const char *option;
	const char *list; /* as given, or its default */
	item_fn set;
	const char *takes;
};

/* A number as the traffic model reads its @p key. */
static int parse_traffic(const char *key, const char *text, struct mr_traffic_conf *ret)
{
	char pair[2 * ITEM_MAX];

	if (strlen(text) > ITEM_MAX || strchr(text, ',') != NULL)
		return -EINVAL;
	snprintf(pair, sizeof(pair), "%s=%s", key, text);
	return mr_traffic_conf_parse(pair, ret, NULL);
}

int mr_bench_parse_count(const char *text, uint64_t *ret)
{
	struct mr_traffic_conf conf;

	if (parse_traffic("packets", text, &conf) < 0 || conf.packets == 0)
		return -EINVAL;
	*ret = conf.packets;
	return 0;
}

static int item_flows(const char *text, struct mr_bench_row *row)
{
	struct mr_traffic_conf conf;

	if (parse_traffic("flows", text, &conf) < 0)
		return -EINVAL;
	row->flows = conf.flows;
	return 0;
}

static int item_new(const char *text, struct mr_bench_row *row)
{
	struct mr_traffic_conf conf;

	if (parse_traffic("new", text, &conf) < 0 || conf.new_per_s > MR_BENCH_NEW_MAX)
		return -EINVAL;
	row->new_per_s = conf.new_per_s;
	return 0;
}

static int item_size(const char *text, struct mr_bench_row *row)
{
	struct mr_traffic_conf conf;

	if (parse_traffic("size", text, &conf) < 0)
		return -EINVAL;
	row->size = conf.size;
	return 0;
}

static int item_family(const char *text, struct mr_bench_row *row)
{
	if (strcmp(text, "4") == 0)
		row->ipv6_pct = 0;
	else if (strcmp(text, "6") == 0)
		row->ipv6_pct = 100;
	else if (strcmp(text, "both") == 0)
		row->ipv6_pct = 50;
	else
		return -EINVAL;
	return 0;
}

static int wrong(const struct dimension *d, const char *text, struct mr_err *err)
{
	return mr_err_set(err, EINVAL, "--%s '%s': takes %s; see `millrace bench --help`", d->option, text,
			  d->takes);
}

/* A copy of each of the @p n rows with @p item in it. */
static int add_item(const struct dimension *d, const char *item, const struct mr_bench_row *old, unsigned n,
		    struct mr_bench_rows *rows, struct mr_err *err)
{
	for (unsigned i = 0; i < n; i++) {
		struct mr_bench_row row = old[i];

		if (rows->n == MR_BENCH_ROWS_MAX)
			return mr_err_set(err, EINVAL, "--%s '%s': makes more than %d rows; give fewer items",
					  d->option, d->list, MR_BENCH_ROWS_MAX);
		if (d->set(item, &row) < 0)
			return wrong(d, item, err);
		rows->row[rows->n++] = row;
	}
	return 0;
}

/* Put every item of the list into a copy of each row. */
static int multiply(struct mr_bench_rows *rows, const struct dimension *d, struct mr_err *err)
{
	struct mr_bench_row *old = malloc(sizeof(rows->row));
	const char *at = d->list;
	unsigned n = rows->n;
	int rc = 0;

	if (old == NULL)
		return mr_err_set(err, ENOMEM, "out of memory");
	memcpy(old, rows->row, sizeof(rows->row));
	rows->n = 0;
	while (rc == 0) {
		size_t len = strcspn(at, ",");
		char item[2 * ITEM_MAX];

		snprintf(item, sizeof(item), "%.*s", (int)len, at);
		rc = add_item(d, item, old, n, rows, err);
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	free(old);
	return rc;
}

/* ---- ready tables ---- */

static const struct mr_bench_row usual[] = {
	{ .flows = 10000, .size = 64 },
	{ .flows = 100000, .size = 64 },
	{ .flows = 1000000, .size = 64 },
	{ .flows = 16000000, .size = 64 },
	{ .flows = 1000000, .size = 64, .ipv6_pct = 100 },
	{ .flows = 1000000, .new_per_s = 100000, .size = 64 },
};

static const struct mr_bench_row quick[] = {
	{ .flows = 1000, .size = 64 },
	{ .flows = 2000, .new_per_s = 10000, .size = 64 },
	{ .flows = 1000, .size = 64, .ipv6_pct = 100 },
};

/* One row for each figure that this project promises; the exporter alone is measured anyway. */
static const struct mr_bench_row targets[] = {
	{ .flows = 100000, .size = 64 },
	{ .flows = 1000000, .size = 64 },
	{ .flows = 16000000, .size = 64 },
	{ .flows = 1000000, .size = 64, .ipv6_pct = 100 },
	{ .flows = 1000000, .new_per_s = 100000, .size = 64 },
	{ .flows = 10000000, .new_per_s = 1000000, .size = 64 },
	{ .kind = MR_BENCH_FLOOD, .flows = 1000000, .size = 64 },
	{ .kind = MR_BENCH_NET_PCAP, .flows = 60000, .size = 64 },
};

static int copy(const struct mr_bench_row *from, unsigned n, struct mr_bench_rows *rows)
{
	memcpy(rows->row, from, n * sizeof(*from));
	rows->n = n;
	return 0;
}

/* ---- choices ---- */

static const char *kind_option(const struct mr_bench_choice *c)
{
	return c->flood ? "flood" : c->net_pcap ? "net-pcap" : c->device != NULL ? "device" : NULL;
}

static int check(const struct mr_bench_choice *c, struct mr_err *err)
{
	const char *kind = kind_option(c);
	bool lists = c->flows != NULL || c->new_ != NULL || c->size != NULL || c->family != NULL;

	if (c->flood + c->net_pcap + (c->device != NULL) > 1)
		return mr_err_set(err, EINVAL,
				  "--flood, --net-pcap and --device are rows of their own: choose one");
	if (kind != NULL &&
	    (c->new_ != NULL || (c->size != NULL && !c->flood) || (c->family != NULL && !c->flood)))
		return mr_err_set(err, EINVAL, "--%s goes with --flows%s only, its traffic is given", kind,
				  c->flood ? ", --size and --family" : "");
	if (c->targets && (lists || kind != NULL || c->matrix || c->quick))
		return mr_err_set(err, EINVAL, "--targets is a table of its own: no other rows beside it");
	if (c->matrix && (kind != NULL || c->quick))
		return mr_err_set(err, EINVAL, "--matrix goes with --flows, --new, --size and --family only");
	return 0;
}

static const char *default_flows(const struct mr_bench_choice *c)
{
	if (c->quick)
		return "1k";
	if (c->net_pcap)
		return "60k";
	if (kind_option(c) != NULL)
		return "1M";
	return c->matrix ? "10k,100k,1M,4M,16M" : "10k,100k,1M,16M";
}

static const char *either(const char *given, const char *otherwise)
{
	return given != NULL ? given : otherwise;
}

/* The first dimension varies fastest. */
static int combine(const struct mr_bench_choice *c, struct mr_bench_rows *rows, struct mr_err *err)
{
	const struct dimension dimensions[] = {
		{ "flows", either(c->flows, default_flows(c)), item_flows,
		  "1 to 268435456 or a list like 10k,1M" },
		{ "new", either(c->new_, c->matrix ? "0,100k,1M,3M" : "0"), item_new,
		  "0 to 10M or a list like 0,100k" },
		{ "size", either(c->size, c->matrix ? "64,imix,1500" : "64"), item_size,
		  "64 to 9018, imix or a list of them" },
		{ "family", either(c->family, c->matrix ? "4,6" : "4"), item_family,
		  "4, 6, both or a list of them" },
	};
	int rc = 0;

	rows->n = 1;
	rows->row[0] = (struct mr_bench_row){
		.kind = c->flood	    ? MR_BENCH_FLOOD
			: c->net_pcap	    ? MR_BENCH_NET_PCAP
			: c->device != NULL ? MR_BENCH_DEVICE
					    : MR_BENCH_STEADY,
		.device = c->device,
	};
	for (unsigned i = 0; i < RTE_DIM(dimensions) && rc == 0; i++)
		rc = multiply(rows, &dimensions[i], err);
	return rc;
}

int mr_bench_rows_make(const struct mr_bench_choice *c, struct mr_bench_rows *ret_rows, struct mr_err *err)
{
	bool any = c->flows != NULL || c->new_ != NULL || c->size != NULL || c->family != NULL || c->matrix ||
		   kind_option(c) != NULL;
	int rc = check(c, err);

	if (rc < 0)
		return rc;
	if (c->targets)
		return copy(targets, RTE_DIM(targets), ret_rows);
	if (any)
		return combine(c, ret_rows, err);
	return c->quick ? copy(quick, RTE_DIM(quick), ret_rows) : copy(usual, RTE_DIM(usual), ret_rows);
}
