/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_report.h"

#include <string.h>
#include <unistd.h>

#include <jansson.h>

static void print_reasons(const uint64_t sum[MR_C_MAX], enum mr_counter_class class_, FILE *out)
{
	for (int i = 0; i < MR_C_MAX; i++)
		if (mr_counter_info[i].class_ == class_ && sum[i] != 0)
			fprintf(out, "    %-24s %15lu  %s\n", mr_counter_info[i].key, sum[i],
				mr_counter_info[i].help);
}

void mr_report_account(const uint64_t sum[MR_C_MAX], const struct mr_account *a, FILE *out)
{
	fprintf(out, "\nloss account (packets)\n");
	fprintf(out, "  received     %15lu  = metered + not metered\n", a->received);
	fprintf(out, "  metered      %15lu  = exported + in table + not sent\n", a->metered);
	fprintf(out, "  not metered  %15lu\n", a->not_metered);
	print_reasons(sum, MR_COUNTER_NOT_METERED, out);
	fprintf(out, "  exported     %15lu\n", a->exported);
	if (a->in_table != 0)
		fprintf(out, "  in table     %15lu\n", a->in_table);
	fprintf(out, "  not sent     %15lu\n", a->not_sent);
	print_reasons(sum, MR_COUNTER_NOT_SENT, out);
	fprintf(out, "  lost before  %15lu\n", a->lost);
	print_reasons(sum, MR_COUNTER_LOSS, out);
	fprintf(out, "  the account %s\n",
		a->closes ? "closes" : "DOES NOT CLOSE: please report this as a bug");
}

void mr_report_collectors(const struct mr_ipfix_collector_stats *s, unsigned n, FILE *out)
{
	for (unsigned i = 0; i < n; i++)
		fprintf(out,
			"  %-24s %lu records in %lu messages, %lu octets; not sent %lu flows, %lu errors\n",
			s[i].name, s[i].records, s[i].messages, s[i].octets, s[i].not_sent_flows,
			s[i].send_errors);
}

static json_t *account_json(const struct mr_account *a)
{
	return json_pack("{sI sI sI sI sI sI sI sb}", "received", (json_int_t)a->received, "metered",
			 (json_int_t)a->metered, "not_metered", (json_int_t)a->not_metered, "exported",
			 (json_int_t)a->exported, "in_table", (json_int_t)a->in_table, "not_sent",
			 (json_int_t)a->not_sent, "lost", (json_int_t)a->lost, "closes", a->closes);
}

static json_t *collectors_json(const struct mr_ipfix_collector_stats *s, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(
			list,
			json_pack("{ss sb sI sI sI sI sI sI sI sI sI}", "name", s[i].name, "connected",
				  s[i].connected, "records", (json_int_t)s[i].records, "flows",
				  (json_int_t)s[i].flows, "packets", (json_int_t)s[i].packets, "messages",
				  (json_int_t)s[i].messages, "octets", (json_int_t)s[i].octets,
				  "not_sent_flows", (json_int_t)s[i].not_sent_flows, "not_sent_packets",
				  (json_int_t)s[i].not_sent_packets, "send_errors",
				  (json_int_t)s[i].send_errors, "reconnects", (json_int_t)s[i].reconnects));
	return list;
}

int mr_report_json(const char *path, const uint64_t sum[MR_C_MAX], const struct mr_account *account,
		   const struct mr_ipfix_collector_stats *stats, unsigned n, struct mr_err *err)
{
	json_t *counters = json_object(), *root;
	int rc = 0;

	for (int i = 0; i < MR_C_MAX; i++)
		json_object_set_new(counters, mr_counter_info[i].key, json_integer((json_int_t)sum[i]));
	root = json_pack("{ss so so so}", "version", MR_VERSION, "account", account_json(account), "counters",
			 counters, "collectors", collectors_json(stats, n));
	if (root == NULL)
		return mr_err_set(err, ENOMEM, "%s: out of memory", path);
	errno = 0;
	if (json_dump_file(root, path, JSON_INDENT(2)) != 0) {
		rc = mr_err_set(err, errno == 0 ? EIO : errno, "%s: cannot write: %s", path, strerror(errno));
		unlink(path);
	}
	json_decref(root);
	return rc;
}
