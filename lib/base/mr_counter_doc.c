/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_counter.h"

static const char *const meanings[MR_COUNTER_CLASS_MAX] = {
	[MR_COUNTER_RECEIVED] = "Received: what the sources handed to the workers. Left side of the first equation.",
	[MR_COUNTER_METERED] = "Metered: counted in a flow record. Left side of the second equation.",
	[MR_COUNTER_NOT_METERED] = "Not metered: received, but left out for this reason.",
	[MR_COUNTER_EXPORTED] = "Exported: in records that a destination accepted.",
	[MR_COUNTER_NOT_SENT] = "Not sent: metered, but the record was lost for this reason.",
	[MR_COUNTER_LOSS] = "Lost before: the packet never reached a worker.",
	[MR_COUNTER_NOTE] = "Notes: about packets or records that one of the terms above holds already; no term of their own.",
};

void mr_counter_doc(FILE *out)
{
	fprintf(out, "# Counters\n\n"
		     "Written by `ninja -C build counter-doc`; do not edit. The names are those of `counters` in `stats.json` and of\n"
		     "the reasons that `millrace run` and `millrace read` print. All count packets unless the text says otherwise.\n\n"
		     "```text\n"
		     "received = metered + not metered\n"
		     "metered  = exported + in table + not sent\n"
		     "```\n\n"
		     "Both hold at any time but for packets that are just being counted, and exactly at the end. What is lost\n"
		     "before a worker stands beside them, by name.\n");
	for (int class_ = 0; class_ < MR_COUNTER_CLASS_MAX; class_++) {
		fprintf(out, "\n## %s\n\n| counter | meaning |\n|---|---|\n", meanings[class_]);
		for (int i = 0; i < MR_C_MAX; i++)
			if ((int)mr_counter_info[i].class_ == class_)
				fprintf(out, "| `%s` | %s |\n", mr_counter_info[i].key, mr_counter_info[i].help);
	}
}
