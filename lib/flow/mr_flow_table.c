/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/mr_flow_priv.h"

#include <sys/mman.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#include "base/mr_log.h"

MR_LOG_REGISTER(flow);

#define FLOWS_PER_BUCKET 6 /* mean when full, of 8 slots: few records live in their second bucket */
#define MIN_FLOWS	 64
#define YOUNG_MAX	 65536u /* a quarter of a second of a flood at 250 k a second */
#define SPAN_MAX_NS	 (36ULL * 3600 * MR_NS_PER_S)

struct layout {
	uint32_t narrow, wide, buckets, groups, young;
	uint64_t buckets_at, hot_at, cold_at, addr6_at, groups_at, young_at, frag_at, inspect_at, size;
};

static uint64_t take(uint64_t *at, uint64_t n)
{
	uint64_t here = *at;

	*at += (n + 63) & ~63ULL;
	return here;
}

static struct layout plan(const struct mr_flow_conf *conf)
{
	struct layout l = { 0 };
	uint64_t at = 0, records = (uint64_t)conf->max_flows + 1;

	l.wide = (uint32_t)((uint64_t)conf->max_flows * conf->ipv6_percent / 100);
	l.wide = l.wide == 0 ? 1 : l.wide;
	l.narrow = conf->max_flows - l.wide;
	l.buckets = conf->max_flows / FLOWS_PER_BUCKET + 2;
	l.groups = (l.buckets + MR_GROUP_SIZE - 1) >> MR_GROUP_SHIFT;
	l.young = RTE_MIN(rte_align32pow2(conf->max_flows / 8), YOUNG_MAX);
	l.buckets_at = take(&at, l.buckets * sizeof(struct mr_flow_bucket));
	l.hot_at = take(&at, records * sizeof(struct mr_flow_hot));
	l.cold_at = take(&at, records * sizeof(struct mr_flow_cold));
	l.addr6_at = take(&at, (uint64_t)l.wide * 32);
	l.groups_at = take(&at, l.groups * sizeof(uint64_t));
	l.young_at = take(&at, l.young * sizeof(uint32_t));
	l.frag_at = take(&at, mr_frag_memory(conf->max_fragments, &conf->packet));
	l.inspect_at = take(&at, mr_flow_inspect_memory(conf));
	l.size = at;
	return l;
}

uint64_t mr_flow_memory(const struct mr_flow_conf *conf)
{
	return plan(conf).size;
}

static int check(const struct mr_flow_conf *c, struct mr_err *err)
{
	if (c->max_flows < MIN_FLOWS || c->max_flows > UINT32_MAX / 2)
		return mr_err_set(err, EINVAL, "max_flows per worker is %u; %u to %u are possible",
				  c->max_flows, MIN_FLOWS, UINT32_MAX / 2);
	if (c->ipv6_percent < 1 || c->ipv6_percent > 100)
		return mr_err_set(err, EINVAL, "ipv6_percent is %u; 1 to 100 are possible", c->ipv6_percent);
	if (c->idle_timeout_ns == 0 || c->active_timeout_ns == 0 || c->tcp_linger_ns > c->idle_timeout_ns ||
	    c->idle_timeout_ns + c->active_timeout_ns > SPAN_MAX_NS)
		return mr_err_set(
			err, EINVAL,
			"idle and active timeout must be above 0 and 36 h together at most, and the TCP "
			"linger no longer than the idle timeout");
	return 0;
}

static int allocate(struct mr_flow_table *t, size_t size, struct mr_err *err)
{
	t->memory_size = size;
	if (rte_eal_has_hugepages()) {
		t->memory = rte_zmalloc_socket("mr_flow", size, RTE_CACHE_LINE_SIZE, t->conf.socket);
		t->memory_is_rte = true;
		if (t->memory == NULL)
			return mr_err_set(err, ENOMEM,
					  "no %zu MiB of hugepages for the flow table on NUMA node %d: lower "
					  "flow.max_flows or inspect.memory, or reserve more hugepages",
					  size >> 20, t->conf.socket);
		return 0;
	}
	t->memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->memory == MAP_FAILED) {
		t->memory = NULL;
		return mr_err_set(err, ENOMEM,
				  "no %zu MiB of memory for the flow table: lower flow.max_flows",
				  size >> 20);
	}
	/* the kernel may refuse; then pages are small and all works, only slower */
	madvise(t->memory, size, MADV_HUGEPAGE);
	return 0;
}

static void lay_out(struct mr_flow_table *t, const struct layout *l)
{
	uint8_t *base = t->memory;

	t->buckets = (void *)(base + l->buckets_at);
	t->hot = (void *)(base + l->hot_at);
	t->cold = (void *)(base + l->cold_at);
	t->addr6 = (void *)(base + l->addr6_at);
	t->group_expiry_ns = (void *)(base + l->groups_at);
	t->young = (struct mr_flow_young){ .bucket = (void *)(base + l->young_at), .mask = l->young - 1 };
	t->n_buckets = l->buckets;
	t->n_groups = l->groups;
	t->group_share_ns = t->scan_ns / l->groups;
	t->first_wide = l->narrow + 1;
	t->pool[MR_POOL_NARROW] = (struct mr_flow_pool){ .next_new = 1, .end = l->narrow + 1 };
	t->pool[MR_POOL_WIDE] =
		(struct mr_flow_pool){ .next_new = t->first_wide, .end = t->first_wide + l->wide };
	for (uint32_t i = 0; i < l->buckets; i++)
		mr_flow_set_expiry(&t->buckets[i], UINT64_MAX);
	memset(t->group_expiry_ns, 0xff, l->groups * sizeof(uint64_t));
	mr_frag_init(&t->frag, base + l->frag_at, t->conf.max_fragments, t->conf.fragment_timeout_ns,
		     &t->conf.packet, t->conf.counters);
}

/* 256 units are more than twice the active timeout and what a sweep may be late. */
static unsigned hint_shift(uint64_t active_ns)
{
	return 64 - 7 - (unsigned)__builtin_clzll(active_ns + 2 * MR_NS_PER_S);
}

int mr_flow_table_new(const struct mr_flow_conf *conf, struct mr_flow_table **ret_table, struct mr_err *err)
{
	struct mr_flow_table *t;
	struct layout l;
	int rc = check(conf, err);

	if (rc < 0)
		return rc;
	t = rte_zmalloc_socket("mr_flow_table", sizeof(*t), RTE_CACHE_LINE_SIZE, conf->socket);
	if (t == NULL)
		return mr_err_set(err, ENOMEM, "no memory for a flow table");
	t->conf = *conf;
	t->idle_ns = conf->idle_timeout_ns;
	t->active_ns = conf->active_timeout_ns;
	t->linger_ns = conf->tcp_linger_ns;
	t->scan_ns = conf->scan_ns == 0 ? 250 * MR_NS_PER_MS : conf->scan_ns;
	t->hint_shift = hint_shift(conf->active_timeout_ns);
	t->id_seed = mr_hash_seed_fixed(148);
	t->key_mask = UINT32_MAX |
		      (conf->packet.vlan_in_key ? (uint64_t)MR_SCOPE(0, 0xfff, 0xfff) << 32 : 0) |
		      (conf->packet.port_in_key ? (uint64_t)MR_SCOPE(0xff, 0, 0) << 32 : 0);
	t->key_rest = (uint64_t)MR_SCOPE(0, MR_VLAN_NONE, MR_VLAN_NONE) << 32 & ~t->key_mask;
	l = plan(conf);
	rc = allocate(t, l.size, err);
	if (rc < 0) {
		rte_free(t);
		return rc;
	}
	lay_out(t, &l);
	rc = mr_flow_inspect_init(t, (uint8_t *)t->memory + l.inspect_at, err);
	if (rc < 0) {
		mr_flow_table_free(t);
		return rc;
	}
	mr_log_debug("worker=%u records=%u (IPv6: %u) buckets=%u memory=%zu MiB", conf->worker,
		     conf->max_flows, l.wide, l.buckets, t->memory_size >> 20);
	*ret_table = t;
	return 0;
}

void mr_flow_table_free(struct mr_flow_table *t)
{
	if (t == NULL)
		return;
	if (t->memory_is_rte)
		rte_free(t->memory);
	else
		munmap(t->memory, t->memory_size);
	rte_free(t);
}

uint32_t mr_flow_count(const struct mr_flow_table *t)
{
	return __atomic_load_n(&t->live, __ATOMIC_RELAXED);
}

static void set_live(struct mr_flow_table *t, uint32_t n)
{
	__atomic_store_n(&t->live, n, __ATOMIC_RELAXED);
}

static bool find_in(const struct mr_flow_table *t, struct mr_flow_bucket *b, const struct mr_packet *p,
		    struct mr_flow_slot *ret)
{
	for (unsigned m = mr_flow_tag_mask(b, mr_flow_tag(p->hash)); m != 0; m &= m - 1) {
		unsigned s = (unsigned)__builtin_ctz(m);

		if (mr_flow_key_equal(t, b->idx[s], p)) {
			*ret = (struct mr_flow_slot){ .bucket = b, .slot = s, .idx = b->idx[s] };
			return true;
		}
	}
	return false;
}

struct mr_flow_slot mr_flow_find(const struct mr_flow_table *t, const struct mr_packet *p)
{
	struct mr_flow_bucket *b = &t->buckets[mr_flow_bucket_1(t, p->hash)];
	struct mr_flow_slot found = { 0 };

	if (!find_in(t, b, p, &found) && mr_flow_overflow(b) != 0)
		find_in(t, &t->buckets[mr_flow_bucket_2(t, p->hash)], p, &found);
	return found;
}

static uint32_t pool_get(struct mr_flow_table *t, int kind)
{
	struct mr_flow_pool *pool = &t->pool[kind];
	uint32_t idx = pool->free_head;

	if (idx != 0) {
		pool->free_head = (uint32_t)t->hot[idx].addr_key;
		if (pool->free_head != 0)
			rte_prefetch0(&t->hot[pool->free_head]);
		return idx;
	}
	return pool->next_new < pool->end ? pool->next_new++ : 0;
}

static void pool_put(struct mr_flow_table *t, uint32_t idx)
{
	struct mr_flow_pool *pool = &t->pool[mr_flow_is_wide(t, idx) ? MR_POOL_WIDE : MR_POOL_NARROW];

	t->hot[idx].addr_key = pool->free_head;
	t->hot[idx].state = 0;
	pool->free_head = idx;
}

static uint64_t hash_of(const struct mr_flow_table *t, uint32_t idx)
{
	const struct mr_flow_hot *h = &t->hot[idx];
	uint64_t hash = mr_packet_hash(&t->conf.packet.seed, h->addr_key, mr_flow_key_word(t, h), h->proto,
				       (h->state & MR_FLOW_WIDE) != 0);

	return mr_flow_is_deep(t) ? mr_packet_hash_tunnel(hash, mr_flow_inspect_fold(t, idx)) : hash;
}

void mr_flow_remove(struct mr_flow_table *t, struct mr_flow_bucket *b, unsigned slot)
{
	uint32_t idx = b->idx[slot];
	struct mr_flow_bucket *first = &t->buckets[mr_flow_bucket_1(t, hash_of(t, idx))];

	if (first != b)
		first->expiry_overflow--;
	b->tag[slot] = 0;
	b->idx[slot] = 0;
	if (mr_flow_is_deep(t))
		mr_flow_inspect_close(t, idx);
	pool_put(t, idx);
	set_live(t, t->live - 1);
}

static uint32_t get_record(struct mr_flow_table *t, struct mr_flow_bucket *a, struct mr_flow_bucket *b,
			   bool wide)
{
	uint32_t idx = wide ? 0 : pool_get(t, MR_POOL_NARROW);

	if (idx == 0)
		idx = pool_get(t, MR_POOL_WIDE);
	if (idx != 0 || !mr_flow_evict_one(t, a, b, wide))
		return idx;
	return pool_get(t, !wide && t->pool[MR_POOL_NARROW].free_head != 0 ? MR_POOL_NARROW : MR_POOL_WIDE);
}

static unsigned free_slot(const struct mr_flow_bucket *b)
{
	unsigned m = mr_flow_tag_mask(b, 0);

	return m == 0 ? MR_BUCKET_SLOTS : (unsigned)__builtin_ctz(m);
}

void mr_flow_expect(struct mr_flow_table *t, struct mr_flow_bucket *b, uint64_t expiry_ns)
{
	uint64_t *group_ns = mr_flow_group_expiry(t, b);

	mr_flow_set_expiry(b, RTE_MIN(mr_flow_expiry_ns(b), expiry_ns));
	*group_ns = RTE_MIN(*group_ns, expiry_ns);
}

static void init_record(struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p)
{
	struct mr_flow_hot *h = &t->hot[idx];
	bool wide = (p->flags & MR_PACKET_V6) != 0;

	*h = (struct mr_flow_hot){
		.addr_key = p->addr_key,
		.port_key =
			(uint64_t)MR_SCOPE(p->port_id, p->vlan, p->inner_vlan) << 32 | (uint32_t)p->port_key,
		.proto = p->proto,
		.state = (uint8_t)(MR_FLOW_LIVE | MR_FLOW_EMPTY | (wide ? MR_FLOW_WIDE : 0)),
	};
	memset(&t->cold[idx], 0, sizeof(t->cold[idx]));
	if (wide)
		memcpy(t->addr6[idx - t->first_wide], p->addr6, sizeof(p->addr6));
	if (mr_flow_is_deep(t))
		mr_flow_inspect_open(t, idx, p);
}

static void move(struct mr_flow_table *t, struct mr_flow_bucket *from, unsigned slot,
		 struct mr_flow_bucket *to, unsigned to_slot)
{
	to->tag[to_slot] = from->tag[slot];
	to->idx[to_slot] = from->idx[slot];
	to->class_[to_slot] = from->class_[slot];
	mr_flow_expect(t, to, mr_flow_expiry_ns(from));
	if (to->class_[to_slot] <= MR_FLOW_CLASS_SINGLE)
		mr_flow_young_add(t, to);
	from->tag[slot] = 0;
	from->idx[slot] = 0;
}

/* Make room in a full bucket: one of its records goes to its other bucket. False when those are full too. */
static bool displace(struct mr_flow_table *t, struct mr_flow_bucket *b)
{
	for (unsigned s = 0; s < MR_BUCKET_SLOTS; s++)
		rte_prefetch0(&t->hot[b->idx[s]]);
	for (unsigned s = 0; s < MR_BUCKET_SLOTS; s++) {
		uint64_t hash = hash_of(t, b->idx[s]);
		struct mr_flow_bucket *first = &t->buckets[mr_flow_bucket_1(t, hash)];
		struct mr_flow_bucket *other = first == b ? &t->buckets[mr_flow_bucket_2(t, hash)] : first;
		unsigned to = other == b ? MR_BUCKET_SLOTS : free_slot(other);

		if (to == MR_BUCKET_SLOTS)
			continue;
		if (first == b)
			first->expiry_overflow++;
		else
			first->expiry_overflow--;
		move(t, b, s, other, to);
		return true;
	}
	return false;
}

static bool has_record(const struct mr_flow_table *t, bool wide)
{
	const struct mr_flow_pool *n = &t->pool[MR_POOL_NARROW], *w = &t->pool[MR_POOL_WIDE];

	return w->free_head != 0 || w->next_new < w->end ||
	       (!wide && (n->free_head != 0 || n->next_new < n->end));
}

/*
 * Both buckets of a new flow are full. With records left it is bad luck, which moving one mends; else one
 * that tells little has to go. Flows both ways stay: false when there are only such, and none can be moved.
 */
static bool make_slot(struct mr_flow_table *t, struct mr_flow_bucket *a, struct mr_flow_bucket *b, bool wide)
{
	if (!has_record(t, wide) && mr_flow_evict_from(t, a, b, false, MR_FLOW_CLASS_SINGLE))
		return true;
	return displace(t, a) || displace(t, b) || mr_flow_evict_from(t, a, b, false, MR_FLOW_CLASS_ONE_WAY);
}

struct mr_flow_slot mr_flow_insert(struct mr_flow_table *t, const struct mr_packet *p)
{
	struct mr_flow_bucket *a = &t->buckets[mr_flow_bucket_1(t, p->hash)];
	struct mr_flow_bucket *b = &t->buckets[mr_flow_bucket_2(t, p->hash)];
	bool wide = (p->flags & MR_PACKET_V6) != 0;
	struct mr_flow_slot ret = { 0 };
	uint32_t idx;

	if (free_slot(a) == MR_BUCKET_SLOTS && free_slot(b) == MR_BUCKET_SLOTS && !make_slot(t, a, b, wide))
		return ret;
	idx = get_record(t, a, b, wide);
	if (idx == 0)
		return ret;
	ret.bucket = free_slot(a) < MR_BUCKET_SLOTS ? a : b;
	ret.slot = free_slot(ret.bucket);
	ret.idx = idx;
	if (ret.bucket != a)
		a->expiry_overflow++;
	init_record(t, idx, p);
	ret.bucket->tag[ret.slot] = mr_flow_tag(p->hash);
	ret.bucket->idx[ret.slot] = idx;
	ret.bucket->class_[ret.slot] = MR_FLOW_CLASS_SINGLE;
	mr_flow_young_add(t, ret.bucket);
	set_live(t, t->live + 1);
	mr_counter_add(t->conf.counters, MR_C_FLOWS_CREATED, 1);
	return ret;
}
