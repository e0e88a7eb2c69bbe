/* SPDX-License-Identifier: Apache-2.0 */
/* docs/fields.md, from the tables that make elements, templates and keys. */
#include "ipfix/mr_ipfix_tail.h"

static const char head[] =
	"# Fields of records with details\n"
	"\n"
	"Written by `ninja -C build fields-doc`; do not edit. What every record has is in [formats.md](formats.md). Here is\n"
	"what only some have: how TCP did, what wrapped the packets, which application it was and what its parser found.\n"
	"It is exported in profile full and in flows.jsonl; profiles compat and biflow leave it out.\n"
	"\n"
	"- An element without enterprise is IANA's; P: is one of ours (enterprise as built, 32473 unless set), described\n"
	"  by options 325. v: variable length. The number of an element of ours never changes its meaning.\n"
	"- \"reverse\" is the direction from responder to initiator, or the other one in a record that is written from the\n"
	"  responder's view.\n"
	"- Text is UTF-8: octets that aren't become U+FFFD, one each, in JSON `\\ufffd`. Octets are hexadecimal in JSON.\n"
	"- A field with \"list\" is a list in flows.jsonl, in the order of the flow; IPFIX has its first value.\n"
	"- What wasn't found has no key in flows.jsonl. A template has all fields of its protocol: there it is 0 or an\n"
	"  empty string, and its bit in applicationFieldIndicator is 0.\n"
	"- Where a record would not fit a message, its longest values are shortened (whole characters) until it does, and\n"
	"  applicationFlags says so. With a small `mtu` a template may be too long itself: then the record goes without\n"
	"  the fields of its protocol.\n";

static void element_print(FILE *out, uint32_t pen, uint16_t element, uint16_t octets)
{
	fprintf(out, "%s%u", pen != 0 ? "P:" : "", element);
	if (octets == MR_IPFIX_VARLEN)
		fputs("[v]", out);
	else
		fprintf(out, "[%u]", octets);
}

static const char *key_note(unsigned json)
{
	switch (json) {
	case MR_IPFIX_J_NOT_0:
		return "; left out when 0";
	case MR_IPFIX_J_NOT_255:
		return "; left out when 255";
	case MR_IPFIX_J_NAME:
		return "; flows.jsonl has the word";
	default:
		return "";
	}
}

static void block_print(FILE *out, const char *title, enum mr_ipfix_block block, const char *text)
{
	fprintf(out, "\n## %s\n\n%s| element | name | in flows.jsonl | meaning |\n|---|---|---|---|\n", title,
		text);
	for (unsigned i = 0; i < MR_IPFIX_D_MAX; i++) {
		const struct mr_ipfix_detail_info *info = &mr_ipfix_detail_info[i];

		if (info->block != block)
			continue;
		fputs("| ", out);
		element_print(out, info->pen, info->element, info->octets);
		fprintf(out, " | %s | %s | %s%s |\n", mr_ipfix_ie_find(info->pen, info->element)->name,
			info->json == MR_IPFIX_J_OTHER ? "see text" : "same", info->doc,
			key_note(info->json));
	}
}

static void kinds_print(FILE *out)
{
	fputs("\n| kind | name in `tunnel` | what its id is |\n|---|---|---|\n", out);
#define X(ID, name, doc) fprintf(out, "| %d | %s | %s |\n", MR_TUNNEL_##ID, name, doc);
	MR_TUNNEL_KINDS(X)
#undef X
}

static void applications_print(FILE *out)
{
	fputs("\n| applicationId | name | protocol |\n|---|---|---|\n", out);
	for (unsigned i = 0; mr_l7_all[i] != NULL; i++)
		fprintf(out, "| %02x%06x | %s | %s |\n", MR_IPFIX_APPLICATION_ENGINE, mr_l7_all[i]->selector,
			mr_l7_all[i]->name, mr_l7_all[i]->description);
}

static void field_print(FILE *out, const struct mr_l7_field_info *info)
{
	static const char *const types[] = { "text", "number", "octets" };

	fprintf(out, "| %s | ", info->name);
	element_print(out, info->pen, info->element,
		      info->type == MR_L7_NUMBER ? info->octets : MR_IPFIX_VARLEN);
	if (info->pen == 0)
		fprintf(out, " %s", mr_ipfix_ie_find(0, info->element)->name);
	fprintf(out, " | %s%s | %s |\n", types[info->type], (info->bits & MR_L7_MANY) != 0 ? ", list" : "",
		info->doc);
}

static void family_print(FILE *out, const struct mr_ipfix_tails *tails, unsigned family)
{
	static const char *const names[MR_IPFIX_F_MAX] = { "HTTP", "DNS",  "TLS", "QUIC", "SSH",
							   "SMTP", "FTP",  "SMB", "RDP",  "DHCP",
							   "NTP",  "SNMP", "SIP", "MQTT", "Modbus" };

	fprintf(out, "\n### %s\n\n| key in flows.jsonl | element | kind | meaning |\n|---|---|---|---|\n",
		names[family]);
	for (unsigned f = 0; f < MR_L7_FIELD_MAX; f++)
		if (tails->family[f] == family && (mr_l7_field_info[f].bits & MR_L7_HIDDEN) == 0)
			field_print(out, &mr_l7_field_info[f]);
}

static void fields_print(FILE *out, const struct mr_ipfix_tail *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		fputc(' ', out);
		element_print(out, t->field[i].pen, t->field[i].id, t->field[i].len);
	}
}

static void templates_print(FILE *out, const struct mr_ipfix_tails *tails)
{
	fputs("\n## Templates\n\n"
	      "A record with details has the fields of its template of profile full, then those below. The id is the number\n"
	      "below (plus 512 for each configuration generation) and 0 IPv4, 1 IPv6, 2 ICMP, 3 ICMPv6 with one side unseen,\n"
	      "4 to 7 the same seen in both directions. Of several protocols in a flow (STARTTLS, CONNECT) the template with\n"
	      "most of them is taken. A template is sent when the first record needs it, then as all others.\n"
	      "\n| from id | for | fields in order |\n|---|---|---|\n",
	      out);
	for (unsigned i = 0; i < MR_IPFIX_TAILS; i++) {
		const struct mr_ipfix_tail *t = &tails->tail[i];

		fprintf(out, "| %u | %s%s |",
			mr_ipfix_id_base(0) + MR_IPFIX_ID_TAILS + MR_IPFIX_LAYOUTS_MAX * i, t->name,
			i % 2 != 0 ? ", in a tunnel" : "");
		fields_print(out, t);
		fputs(" |\n", out);
	}
}

void mr_ipfix_fields_doc(FILE *out)
{
	static struct mr_ipfix_layout layouts[MR_IPFIX_LAYOUTS_MAX];
	static struct mr_ipfix_tails tails;

	mr_ipfix_layouts_make(MR_IPFIX_FULL, 0, layouts);
	mr_ipfix_tails_make(&tails, layouts, UINT16_MAX);
	fputs(head, out);
	block_print(out, "TCP", MR_IPFIX_B_TCP, "Counts are since the last record of the flow.\n\n");
	block_print(out, "Other transports", MR_IPFIX_B_OTHER, "");
	block_print(
		out, "Tunnels", MR_IPFIX_B_TUNNEL,
		"flows.jsonl has two keys. `tunnel` is a list of all wrappings, outermost first, each an object with\n"
		"`kind`, and where there are such `id`, `reverse_id`, `src` and `dst`. `mpls` is the list of labels of the\n"
		"outermost stack from the top, without class and bottom bit. Addresses and ids are those of the initiator's\n"
		"first packet. In IPFIX the top label is element 70 of all records.\n\n");
	kinds_print(out);
	block_print(
		out, "Application", MR_IPFIX_B_APPLICATION,
		"flows.jsonl has `applicationName`, and with the value true only `applicationGuessed` (by port) and\n"
		"`valuesCut` (the probe left out or shortened values). Options 327 name all applications.\n\n");
	applications_print(out);
	fputs("\n## Application protocols\n", out);
	for (unsigned f = 0; f < MR_IPFIX_F_MAX; f++)
		family_print(out, &tails, f);
	templates_print(out, &tails);
}
