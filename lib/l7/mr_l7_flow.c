/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_flow.h"

#include <string.h>

/* Flags of a flow. */
enum {
	SYN_0 = 1 << 0, /* next[0] is valid */
	SYN_1 = 1 << 1,
	GUESSED = 1 << 2,
	CUT = 1 << 3,
};

/* What a flow has while it is inspected. */
struct mr_l7_work {
	struct mr_stream stream; /* all zero for datagrams */
	struct mr_l7_writer values;
	uint64_t candidates; /* bit n: ops[n] hasn't said no */
	uint32_t octets;     /* of payload so far */
	uint32_t state;	     /* block of the parser; 0: none */
	uint8_t packets;     /* with payload, while identifying */
	uint8_t first;	     /* direction that spoke first, while identifying; NOBODY */
	bool adding;	     /* the value begun last has more parts to come */
	bool leaving;	     /* ... of which nothing more is kept */
	bool transaction_ended;
	struct mr_l7_set have; /* fields with a value */
};

#define NOBODY 2u

static_assert(sizeof(struct mr_l7_work) <= MR_BUDDY_MIN, "one block");

static void count(struct mr_l7_worker *w, enum mr_counter id)
{
	mr_counter_add(w->counters, id, 1);
}

static const struct mr_l7_ops *parser_of(const struct mr_l7_worker *w, const struct mr_l7_flow *f)
{
	return f->parser == 0 ? NULL : w->conf.ops[f->parser - 1];
}

/* ---- values ---- */

static void note_written(struct mr_l7_worker *w, enum mr_l7_written written)
{
	if (written == MR_L7_WRITTEN)
		return;
	count(w, written == MR_L7_WRITTEN_CUT ? MR_C_L7_VALUES_CUT : MR_C_L7_VALUES_SHED);
	w->flow->flags |= CUT;
	w->work->leaving = true;
}

static uint16_t longest(const struct mr_l7_worker *w, enum mr_l7_field field)
{
	return field == MR_L7_F_HTTP_URI ? w->conf.uri_octets : w->conf.value_octets;
}

/* Begins a value, unless it is one of those that aren't kept. */
static void begin_value(struct mr_l7_worker *w, enum mr_l7_field field, size_t len)
{
	const struct mr_l7_field_info *info = &mr_l7_field_info[field];
	struct mr_l7_work *work = w->work;
	uint64_t bit = 1ull << field % 64, *have = &work->have.word[field / 64];
	uint16_t octets_max = w->conf.flow_octets;

	work->leaving =
		(info->bits & MR_L7_HIDDEN) != 0 || ((info->bits & MR_L7_MANY) == 0 && (*have & bit) != 0);
	if (work->leaving)
		return;
	/* half a number is none */
	if (info->type == MR_L7_NUMBER && work->values.octets + len + 6 > octets_max)
		octets_max = 0;
	note_written(w, mr_l7_value_begin(&w->chunks, &work->values, field,
					  work->transaction_ended ? MR_L7_NEW_TRANSACTION : 0, octets_max));
	if (work->leaving)
		return;
	*have |= bit;
	work->transaction_ended = false;
}

static void on_value(struct mr_l7_sink *sink, enum mr_l7_field field, const void *data, size_t len, bool more)
{
	struct mr_l7_worker *w = (struct mr_l7_worker *)((char *)sink - offsetof(struct mr_l7_worker, sink));
	struct mr_l7_work *work = w->work;
	size_t room;

	if (!work->adding)
		begin_value(w, field, len);
	work->adding = more;
	if (work->leaving)
		return;
	room = (size_t)longest(w, field) - mr_l7_value_len(&w->chunks, &work->values);
	note_written(w, mr_l7_value_add(&w->chunks, &work->values, data, (uint16_t)(len < room ? len : room),
					w->conf.flow_octets));
	if (len > room && !work->leaving) {
		mr_l7_value_mark(&w->chunks, &work->values, MR_L7_CUT);
		note_written(w, MR_L7_WRITTEN_CUT);
	}
}

static void on_end_of_transaction(struct mr_l7_sink *sink)
{
	struct mr_l7_worker *w = (struct mr_l7_worker *)((char *)sink - offsetof(struct mr_l7_worker, sink));

	w->work->transaction_ended = w->work->values.first != 0;
}

/* ---- identification ---- */

/* The application of a flow whose content told nothing. */
static void guess(struct mr_l7_worker *w)
{
	struct mr_l7_flow *f = w->flow;

	for (const struct mr_l7_port *port = w->conf.ports; port != NULL && port->name != NULL; port++) {
		if ((port->transport & w->packet->transport) == 0 ||
		    (port->port != w->packet->port[1] && port->port != w->packet->port[0]))
			continue;
		for (uint8_t i = 0; w->conf.ops[i] != NULL; i++) {
			if (strcmp(w->conf.ops[i]->name, port->name) == 0) {
				f->protocol = (uint8_t)(i + 1);
				f->flags |= GUESSED;
				count(w, MR_C_L7_GUESSED);
				return;
			}
		}
	}
	count(w, MR_C_L7_UNKNOWN);
}

static void start_identifying(struct mr_l7_worker *w, uint8_t transport)
{
	w->work->candidates = w->candidates[transport == MR_L7_UDP];
	w->work->packets = 0;
	w->work->first = NOBODY;
}

/* Takes ops[index] as the parser. */
static bool take_parser(struct mr_l7_worker *w, uint8_t index)
{
	uint32_t size = w->conf.ops[index]->state_size;

	if (size != 0) {
		w->work->state = mr_buddy_get(&w->memory, size);
		if (w->work->state == 0) {
			w->flow->over = MR_L7_OVER_SHED;
			return false;
		}
		memset(mr_buddy_at(&w->memory, w->work->state), 0, size);
	}
	w->flow->parser = (uint8_t)(index + 1);
	if (w->flow->protocol == 0)
		w->flow->protocol = w->flow->parser;
	count(w, MR_C_L7_IDENTIFIED);
	return true;
}

/* Asks the candidates. @return true: there is a parser now; false: not yet, or over */
static bool identify(struct mr_l7_worker *w, const struct mr_l7_input *in)
{
	struct mr_l7_work *work = w->work;

	for (uint64_t left = work->candidates; left != 0; left &= left - 1) {
		uint8_t i = (uint8_t)__builtin_ctzll(left);
		enum mr_l7_probe probe = w->conf.ops[i]->probe(in);

		if (probe == MR_L7_YES)
			return take_parser(w, i);
		if (probe == MR_L7_NO)
			work->candidates &= ~(1ull << i);
	}
	work->packets++;
	/* a later datagram doesn't bring more of this one, but it may be clearer */
	if (work->candidates == 0 || work->packets >= w->conf.identify_packets ||
	    (in->transport == MR_L7_TCP && in->len >= w->conf.identify_octets))
		w->flow->over = MR_L7_OVER_UNKNOWN;
	return false;
}

/* ---- parsing ---- */

static void close_parser(struct mr_l7_worker *w)
{
	const struct mr_l7_ops *ops = parser_of(w, w->flow);

	if (ops == NULL)
		return;
	if (ops->close != NULL)
		ops->close(w->work->state == 0 ? NULL : mr_buddy_at(&w->memory, w->work->state), &w->sink);
	if (w->work->state != 0)
		mr_buddy_put(&w->memory, w->work->state);
	w->work->state = 0;
	w->work->adding = false;
	w->flow->parser = 0;
}

/* Octets of one direction to the parser, and to the next one when another protocol follows. */
static uint32_t parse(struct mr_l7_worker *w, struct mr_l7_input *in)
{
	struct mr_l7_flow *f = w->flow;
	uint32_t total = 0;

	for (;;) {
		uint32_t used = 0;
		enum mr_l7_want want;
		void *state;

		if (f->parser == 0 && (in->len == 0 || !identify(w, in)))
			return f->over != 0 ? MR_STREAM_STOP : total;
		state = w->work->state == 0 ? NULL : mr_buddy_at(&w->memory, w->work->state);
		want = parser_of(w, f)->parse(state, in, &w->sink, &used);
		if (want == MR_L7_MORE)
			return total + used;
		if (want == MR_L7_NEXT && f->changes < MR_L7_CHANGES) {
			close_parser(w);
			f->changes++;
			start_identifying(w, in->transport);
			total += used;
			in->data += used;
			in->len -= used;
			in->gap = false;
			continue;
		}
		f->over = want == MR_L7_BROKEN ? MR_L7_OVER_BROKEN : MR_L7_OVER_DONE;
		return MR_STREAM_STOP;
	}
}

/* What the other direction has left unused while nobody knew whose it was. @return false: over */
static bool parse_other(struct mr_l7_worker *w, const struct mr_l7_input *in)
{
	struct mr_l7_input other = *in;
	uint32_t used;

	other.dir = !in->dir;
	other.gap = other.end = false;
	other.data = mr_stream_unused(&w->stream, &w->work->stream, other.dir, &other.len);
	if (other.len == 0)
		return true;
	used = parse(w, &other);
	if (used == MR_STREAM_STOP)
		return false;
	mr_stream_use(&w->stream, &w->work->stream, other.dir, used);
	return true;
}

/* Octets in order of one direction. @return how many are used, or MR_STREAM_STOP */
static uint32_t inspect(struct mr_l7_worker *w, struct mr_l7_input *in)
{
	struct mr_l7_flow *f = w->flow;
	uint8_t changes = f->changes;
	bool fresh = f->parser == 0;
	uint32_t used;

	if (fresh) {
		if (w->work->first == NOBODY)
			w->work->first = in->dir;
		if (in->len == 0 || !identify(w, in))
			return f->over != 0 ? MR_STREAM_STOP : 0;
		in->gap = false; /* the parser has seen nothing before it */
		if (w->work->first != in->dir && !parse_other(w, in))
			return MR_STREAM_STOP;
	}
	used = parse(w, in);
	if (used != MR_STREAM_STOP && (fresh || f->changes != changes) && !parse_other(w, in))
		return MR_STREAM_STOP;
	return used;
}

static uint32_t on_piece(struct mr_stream_inspector *to, const struct mr_stream_piece *piece)
{
	struct mr_l7_worker *w =
		(struct mr_l7_worker *)((char *)to - offsetof(struct mr_l7_worker, inspector));
	const struct mr_l7_packet *p = w->packet;
	struct mr_l7_input in = { .data = piece->data, .len = piece->len, .dir = piece->dir };

	in.gap = piece->gap;
	in.end = piece->end;
	in.transport = MR_L7_TCP;
	in.port[0] = p->port[0];
	in.port[1] = p->port[1];
	in.time_ns = p->time_ns;
	return inspect(w, &in);
}

/* ---- flows ---- */

/* @return false: no memory */
static bool open_work(struct mr_l7_worker *w)
{
	struct mr_l7_flow *f = w->flow;

	f->work = mr_buddy_get(&w->memory, sizeof(*w->work));
	if (f->work == 0)
		return false;
	w->work = mr_buddy_at(&w->memory, f->work);
	memset(w->work, 0, sizeof(*w->work));
	start_identifying(w, w->packet->transport);
	for (unsigned dir = 0; dir < 2; dir++)
		if ((f->flags & SYN_0 << dir) != 0)
			mr_stream_start(&w->work->stream, dir, f->next[dir]);
	return true;
}

static const enum mr_counter over_counter[] = {
	[MR_L7_OVER_BROKEN] = MR_C_L7_BROKEN,
	[MR_L7_OVER_DEPTH] = MR_C_L7_DEPTH,
	[MR_L7_OVER_WINDOW] = MR_C_L7_WINDOW_FULL,
	[MR_L7_OVER_SHED] = MR_C_L7_SHED,
	[MR_L7_OVER_ENDED] = 0,
};

/* Inspection is over: all but the values is given back. */
static void finish(struct mr_l7_worker *w)
{
	struct mr_l7_flow *f = w->flow;

	if (over_counter[f->over] != 0)
		count(w, over_counter[f->over]);
	if (f->protocol == 0)
		guess(w);
	if (f->work == 0)
		return;
	close_parser(w);
	mr_stream_free(&w->stream, &w->work->stream);
	f->values = w->work->values.first;
	mr_buddy_put(&w->memory, f->work);
	f->work = 0;
}

/* Before there is any payload a connection needs no more than where its directions start. */
static bool before_payload(struct mr_l7_flow *f, const struct mr_l7_packet *p)
{
	if (p->transport == MR_L7_TCP && (p->tcp_flags & MR_TCP_SYN) != 0) {
		f->next[p->dir] = p->seq + 1;
		f->flags |= (uint8_t)(SYN_0 << p->dir);
	}
	return p->len == 0;
}

static void inspect_tcp(struct mr_l7_worker *w)
{
	const struct mr_l7_packet *p = w->packet;
	struct mr_stream_segment seg = { .data = p->data, .len = p->len, .seq = p->seq, .ack = p->ack };
	enum mr_stream_want want;

	seg.tcp_flags = p->tcp_flags;
	seg.dir = p->dir;
	want = mr_stream_packet(&w->stream, &w->work->stream, &seg, &w->inspector);
	if (want == MR_STREAM_FULL)
		w->flow->over = MR_L7_OVER_WINDOW;
	else if (want == MR_STREAM_LOST)
		w->flow->over = MR_L7_OVER_BROKEN;
	else if (want == MR_STREAM_OVER)
		w->flow->over = MR_L7_OVER_ENDED;
}

static void inspect_udp(struct mr_l7_worker *w)
{
	const struct mr_l7_packet *p = w->packet;
	struct mr_l7_input in = { .data = p->data, .len = p->len, .dir = p->dir, .transport = MR_L7_UDP };

	in.port[0] = p->port[0];
	in.port[1] = p->port[1];
	in.time_ns = p->time_ns;
	inspect(w, &in);
}

bool mr_l7_flow_packet(struct mr_l7_worker *w, struct mr_l7_flow *f, const struct mr_l7_packet *p)
{
	w->flow = f;
	w->packet = p;
	if (f->work == 0) {
		if (before_payload(f, p))
			return true;
		if (!open_work(w)) {
			f->over = MR_L7_OVER_SHED;
			finish(w);
			return false;
		}
	}
	w->work = mr_buddy_at(&w->memory, f->work);
	w->work->octets += p->len;
	if (p->transport == MR_L7_TCP)
		inspect_tcp(w);
	else if (p->len != 0)
		inspect_udp(w);
	if (f->over == 0 && w->work->octets >= w->conf.depth_octets)
		f->over = MR_L7_OVER_DEPTH;
	if (f->over != 0)
		finish(w);
	return f->over == 0;
}

void mr_l7_flow_report(struct mr_l7_worker *w, struct mr_l7_flow *f, struct mr_l7_result *ret)
{
	*ret = (struct mr_l7_result){ .values = f->values, .protocol = f->protocol };
	f->values = 0;
	if (f->work != 0) {
		struct mr_l7_work *work = mr_buddy_at(&w->memory, f->work);

		ret->values = work->values.first;
		work->values = (struct mr_l7_writer){ 0 };
		work->leaving = work->adding; /* the rest of a value that is half told */
	}
	if (f->protocol != 0)
		ret->application_id = 6u << 24 | w->conf.ops[f->protocol - 1]->selector;
	ret->guessed = (f->flags & GUESSED) != 0;
	ret->cut = (f->flags & CUT) != 0;
}

void mr_l7_flow_end(struct mr_l7_worker *w, struct mr_l7_flow *f, const struct mr_l7_packet *last,
		    struct mr_l7_result *ret)
{
	w->flow = f;
	w->packet = last;
	if (f->work != 0) {
		w->work = mr_buddy_at(&w->memory, f->work);
		if (last->transport == MR_L7_TCP)
			mr_stream_end(&w->stream, &w->work->stream, &w->inspector);
		if (f->over == 0)
			f->over = MR_L7_OVER_ENDED;
		finish(w);
	}
	mr_l7_flow_report(w, f, ret);
	memset(f, 0, sizeof(*f));
}

/* ---- worker ---- */

struct mr_l7_conf mr_l7_conf_default(void)
{
	return (struct mr_l7_conf){
		.ops = mr_l7_all,
		.ports = mr_l7_ports,
		.memory_octets = 64u << 20,
		.values_octets = 64u << 20,
		.depth_octets = 256u << 10,
		.identify_octets = 512,
		.identify_packets = 8,
		.store_pages = 36,
		.value_octets = 256,
		.uri_octets = 1024,
		.flow_octets = 2048,
	};
}

static uint64_t values_memory(const struct mr_l7_conf *conf)
{
	return conf->values_octets - conf->values_octets % MR_L7_CHUNK;
}

uint64_t mr_l7_worker_memory(const struct mr_l7_conf *conf)
{
	return mr_buddy_memory(conf->memory_octets) + values_memory(conf);
}

static int check(const struct mr_l7_conf *conf, struct mr_err *err)
{
	uint32_t n = 0;

	for (; conf->ops[n] != NULL; n++) {
		const struct mr_l7_ops *ops = conf->ops[n];

		if (ops->state_size > MR_BUDDY_MAX)
			return mr_err_set(err, EINVAL, "parser %s needs %u octets of state, %u are the most",
					  ops->name, ops->state_size, MR_BUDDY_MAX);
	}
	if (n > MR_L7_PROTOCOLS_MAX)
		return mr_err_set(err, EINVAL, "%u application protocols, %u are the most", n,
				  MR_L7_PROTOCOLS_MAX);
	if (conf->value_octets > MR_L7_VALUE_MAX || conf->uri_octets > MR_L7_VALUE_MAX)
		return mr_err_set(err, EINVAL, "the longest application value may have at most %u octets",
				  MR_L7_VALUE_MAX);
	if (conf->value_octets < sizeof(uint64_t))
		return mr_err_set(err, EINVAL, "the longest application value must have at least %zu octets",
				  sizeof(uint64_t));
	if (conf->store_pages == 0 || conf->store_pages > MR_STREAM_PAGES_MAX)
		return mr_err_set(err, EINVAL, "pages of a TCP store must be 1 to %u", MR_STREAM_PAGES_MAX);
	if (conf->identify_packets == 0 || conf->identify_packets > UINT8_MAX)
		return mr_err_set(err, EINVAL, "packets to identify an application must be 1 to %u",
				  UINT8_MAX);
	return 0;
}

int mr_l7_worker_init(struct mr_l7_worker *w, const struct mr_l7_conf *conf, void *memory,
		      struct mr_counters *counters, struct mr_err *err)
{
	int ret = check(conf, err);

	if (ret != 0)
		return ret;
	memset(w, 0, sizeof(*w));
	w->conf = *conf;
	w->counters = counters;
	w->inspector.inspect = on_piece;
	w->sink = (struct mr_l7_sink){ on_value, on_end_of_transaction, NULL };
	mr_buddy_init(&w->memory, memory, conf->memory_octets);
	mr_l7_chunks_init(&w->chunks, (uint8_t *)memory + mr_buddy_memory(conf->memory_octets),
			  values_memory(conf));
	w->stream = (struct mr_stream_worker){ &w->memory, counters, conf->store_pages };
	for (unsigned i = 0; conf->ops[i] != NULL; i++) {
		if ((conf->ops[i]->transports & MR_L7_TCP) != 0)
			w->candidates[0] |= 1ull << i;
		if ((conf->ops[i]->transports & MR_L7_UDP) != 0)
			w->candidates[1] |= 1ull << i;
	}
	return 0;
}
