/* overlay.c: one B+ tree per table over a bump arena.
 *
 * A row lives at one address from its first put to clear(), and so does each of its versions; one that
 * nobody can ask for any more is written over by the next that fits.
 * Nodes hold pointers to rows and, beside each, a *head*: the eight key bytes behind the prefix that
 * all rows of the node share. So nearly every comparison is one of integers inside the node, whatever
 * long prefix the keys of a table have in common. Nothing is ever removed (a delete is a tombstone),
 * so there is insertion and splitting, and no rebalancing.
 *
 * Invariants: rows of a node ascend; `skip` bytes are common to all of them; heads[i] belongs to
 * rows[i] under `skip`; an inner node has count + 1 kids and kids[i] < rows[i] <= kids[i + 1]; stamps descend
 * along a row's versions.
 */
#include "runtime/overlay.h"

#include <endian.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(at, len) ASAN_POISON_MEMORY_REGION(at, len)
#define UNPOISON(at, len) ASAN_UNPOISON_MEMORY_REGION(at, len)
#else
#define POISON(at, len) ((void)(at), (void)(len))
#define UNPOISON(at, len) ((void)(at), (void)(len))
#endif

enum { FAN = 48, NEAR_PREFIX = 24, BLOCK_BYTES = 256 * 1024, ALIGN = 8, TABLES_MAX = 256 };

typedef struct version version;
struct version {
  version *older;
  uint64_t stamp;
  uint32_t len;
  uint32_t cap : 31, deleted : 1;
  uint8_t value[];
};
_Static_assert(sizeof(version) == offsetof(version, value), "there is one for every row: no padding");

typedef struct row {
  version *newest;
  uint32_t key_len : 31, own : 1;
  uint8_t key[];
} row;

typedef struct node node;
struct node {
  uint32_t count, skip;
  node *next; /* of a leaf: the one to the right */
  bool leaf;
  uint8_t near_prefix[NEAR_PREFIX]; /* of what is skipped, as much as fits: saves a visit to a row */
  uint64_t heads[FAN];
  row *rows[FAN];
  node *kids[]; /* FAN + 1 in an inner node, none in a leaf */
};

typedef struct block block;
struct block {
  block *next;
  size_t cap, fill;
  uint8_t data[];
};

struct fsm__overlay {
  const fsm__horizon *horizon;
  block *blocks, *current; /* in the order of filling; those behind current are empty */
  block *large;            /* one allocation each, given back by clear */
  size_t bytes, rows;
  unsigned tables;
  node *roots[];
};

/* ---- memory ---- */

/* Pages of their own, so that what is given back is given back to the system. */
static block *block_new(size_t cap) {
  block *b = mmap(NULL, sizeof *b + cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (b == MAP_FAILED) return NULL;
  *b = (block){.cap = cap};
  POISON(b->data, cap);
  return b;
}

static void block_list_free(block *b) {
  for (block *next; b; b = next) {
    next = b->next;
    UNPOISON(b->data, b->cap);
    munmap(b, sizeof *b + b->cap);
  }
}

/* Goes on to the next block, kept from before a clear or new. */
static bool block_advance(fsm__overlay *overlay) {
  block *next = overlay->current ? overlay->current->next : overlay->blocks;
  if (!next) {
    next = block_new(BLOCK_BYTES - sizeof(block));
    if (!next) return false;
    if (overlay->current)
      overlay->current->next = next;
    else
      overlay->blocks = next;
  }
  overlay->current = next;
  return true;
}

static void *take(fsm__overlay *overlay, size_t size) {
  size_t step = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
  block *b = overlay->current;
  if (step > BLOCK_BYTES / 4) {
    b = block_new(step);
    if (!b) return NULL;
    b->next = overlay->large;
    overlay->large = b;
  } else if (!b || step > b->cap - b->fill) {
    if (!block_advance(overlay)) return NULL;
    b = overlay->current;
  }
  void *at = b->data + b->fill;
  b->fill += step;
  overlay->bytes += step;
  UNPOISON(at, size);
  return at;
}

static const fsm__horizon only_newest;

fsm_code fsm__overlay_new(unsigned tables, const fsm__horizon *horizon, fsm__overlay **out, fsm_error *err) {
  FSM_ASSERT(out && tables > 0 && tables <= TABLES_MAX);
  fsm__overlay *overlay = calloc(1, sizeof *overlay + tables * sizeof(node *));
  if (!overlay) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an overlay");
  overlay->horizon = horizon ? horizon : &only_newest;
  overlay->tables = tables;
  *out = overlay;
  return FSM_OK;
}

void fsm__overlay_clear(fsm__overlay *overlay) {
  FSM_ASSERT(overlay);
  block **unused = overlay->current ? &overlay->current->next : &overlay->blocks;
  block_list_free(overlay->large);
  block_list_free(*unused);
  *unused = overlay->large = overlay->current = NULL;
  for (block *b = overlay->blocks; b; b = b->next) {
    b->fill = 0;
    POISON(b->data, b->cap);
  }
  overlay->bytes = overlay->rows = 0;
  memset(overlay->roots, 0, overlay->tables * sizeof(node *));
}

void fsm__overlay_trim(fsm__overlay *overlay) {
  FSM_ASSERT(overlay->rows == 0);
  fsm__overlay_clear(overlay);
  block_list_free(overlay->blocks);
  overlay->blocks = NULL;
}

void fsm__overlay_free(fsm__overlay *overlay) {
  if (!overlay) return;
  block_list_free(overlay->large);
  block_list_free(overlay->blocks);
  free(overlay);
}

size_t fsm__overlay_bytes(const fsm__overlay *overlay) { return overlay->bytes; }
size_t fsm__overlay_rows(const fsm__overlay *overlay) { return overlay->rows; }

/* ---- searching ---- */

typedef struct key_ref {
  const uint8_t *data;
  size_t len;
} key_ref;

/* NULL may stand for the empty key, but memcmp wants an address. */
static key_ref ref(const void *key, size_t len) { return (key_ref){key ? key : (const void *)"", len}; }

static key_ref key_of(const row *r) { return (key_ref){r->key, r->key_len}; }

static int compare(key_ref a, key_ref b) {
  size_t shared = a.len < b.len ? a.len : b.len;
  int order = shared ? memcmp(a.data, b.data, shared) : 0;
  if (order) return order;
  return (a.len > b.len) - (a.len < b.len);
}

static size_t shared_prefix(key_ref a, key_ref b, size_t limit) {
  if (limit > a.len) limit = a.len;
  if (limit > b.len) limit = b.len;
  size_t i = 0;
  while (i < limit && a.data[i] == b.data[i]) i++;
  return i;
}

/* Padded with zeroes; equal heads are told apart by the whole key. */
static uint64_t head_of(key_ref key, size_t skip) {
  uint64_t head = 0;
  size_t len = key.len - skip;
  memcpy(&head, key.data + skip, len < sizeof head ? len : sizeof head);
  return be64toh(head);
}

/* The first row at or after key, among those from `at` on. */
static unsigned lower_by_key(const node *n, unsigned at, key_ref key, bool *exact) {
  unsigned end = n->count;
  while (at < end) {
    unsigned middle = at + (end - at) / 2;
    int order = compare(key_of(n->rows[middle]), key);
    if (order == 0) {
      *exact = true;
      return middle;
    }
    if (order < 0)
      at = middle + 1;
    else
      end = middle;
  }
  return at;
}

/* The first row of the node at or after key; count when there is none. */
static unsigned lower(const node *n, key_ref key, bool *exact) {
  *exact = false;
  if (!n->count) return 0;
  if (n->skip) {
    const uint8_t *prefix = n->skip <= NEAR_PREFIX ? n->near_prefix : n->rows[0]->key;
    int order = memcmp(key.data, prefix, key.len < n->skip ? key.len : n->skip);
    if (order > 0) return n->count;
    if (order < 0 || key.len < n->skip) return 0;
  }
  uint64_t head = head_of(key, n->skip);
  const uint64_t *at = n->heads;
  for (unsigned left = n->count; left > 1;) { /* without branches: the processor cannot guess them */
    unsigned half = left / 2;
    at += at[half - 1] < head ? half : 0;
    left -= half;
  }
  unsigned i = (unsigned)(at - n->heads) + (*at < head);
  if (i < n->count && n->heads[i] == head) return lower_by_key(n, i, key, exact);
  return i;
}

static node *kid_for(const node *n, key_ref key) {
  bool exact;
  unsigned i = lower(n, key, &exact);
  return n->kids[i + exact];
}

static const node *leaf_for(const fsm__overlay *overlay, unsigned table, key_ref key) {
  FSM_ASSERT(overlay && table < overlay->tables);
  const node *n = overlay->roots[table];
  while (n && !n->leaf) n = kid_for(n, key);
  return n;
}

static const version *version_at(const row *r, uint64_t seq) {
  const version *v = r->newest;
  while (v && v->stamp > seq) v = v->older;
  return v;
}

static bool show(const row *r, uint64_t seq, fsm__row *out) {
  const version *v = version_at(r, seq);
  if (v) *out = (fsm__row){r->key, v->value, r->key_len, v->len, v->deleted, r->own};
  return v != NULL;
}

bool fsm__overlay_get(const fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                      uint64_t seq, fsm__row *out) {
  key_ref wanted = ref(key, key_len);
  const node *leaf = leaf_for(overlay, table, wanted);
  if (!leaf) return false;
  bool exact;
  unsigned i = lower(leaf, wanted, &exact);
  return exact && show(leaf->rows[i], seq, out);
}

bool fsm__overlay_seek(const fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                       bool strictly, uint64_t seq, fsm__row *out) {
  key_ref wanted = ref(key, key_len);
  const node *leaf = leaf_for(overlay, table, wanted);
  if (!leaf) return false;
  bool exact;
  unsigned i = lower(leaf, wanted, &exact);
  if (exact && strictly) i++;
  for (; leaf; leaf = leaf->next, i = 0)
    for (; i < leaf->count; i++)
      if (show(leaf->rows[i], seq, out)) return true;
  return false;
}

bool fsm__overlay_walk(const fsm__overlay *overlay, unsigned table, fsm__row_walk *walk, fsm__row *out) {
  const node *leaf = walk->leaf;
  if (!leaf && !walk->ended) leaf = leaf_for(overlay, table, ref(NULL, 0));
  while (leaf && walk->at == leaf->count) {
    leaf = leaf->next;
    walk->at = 0;
  }
  walk->leaf = leaf;
  walk->ended = leaf == NULL;
  return leaf && show(leaf->rows[walk->at++], FSM_NEWEST, out);
}

/* ---- changing the tree ---- */

static node *node_new(fsm__overlay *overlay, bool leaf) {
  node *n = take(overlay, sizeof *n + (leaf ? 0 : (FAN + 1) * sizeof(node *)));
  if (!n) return NULL;
  n->count = n->skip = 0;
  n->next = NULL;
  n->leaf = leaf;
  return n;
}

static void set_skip(node *n, size_t skip) {
  n->skip = (uint32_t)skip;
  memcpy(n->near_prefix, n->rows[0]->key, skip < NEAR_PREFIX ? skip : NEAR_PREFIX);
  for (unsigned i = 0; i < n->count; i++) n->heads[i] = head_of(key_of(n->rows[i]), skip);
}

/* First and last decide, for the rows ascend. */
static void renew_skip(node *n) {
  set_skip(n, shared_prefix(key_of(n->rows[0]), key_of(n->rows[n->count - 1]), SIZE_MAX));
}

/* Room for one row at i; of an inner node `right` becomes the kid behind it. */
static void insert(node *n, unsigned i, row *r, node *right) {
  FSM_ASSERT(n->count < FAN && i <= n->count);
  unsigned behind = n->count - i;
  memmove(n->rows + i + 1, n->rows + i, behind * sizeof *n->rows);
  memmove(n->heads + i + 1, n->heads + i, behind * sizeof *n->heads);
  n->rows[i] = r;
  if (!n->leaf) {
    memmove(n->kids + i + 2, n->kids + i + 1, behind * sizeof *n->kids);
    n->kids[i + 1] = right;
  }
  n->count++;
  key_ref key = key_of(r), other = key_of(n->rows[i ? 0 : n->count - 1]);
  bool outside = i == 0 || behind == 0;
  if (outside && (n->count == 1 || shared_prefix(key, other, n->skip) < n->skip))
    renew_skip(n);
  else
    n->heads[i] = head_of(key, n->skip);
}

/* Moves the upper part of the full kid i of parent to a new node. Keys that come in ascending order
 * (by time, by number) would leave half-empty leaves behind, so there the cut is at the end. */
static bool split(fsm__overlay *overlay, node *parent, unsigned i, key_ref key) {
  node *left = parent->kids[i], *right = node_new(overlay, left->leaf);
  if (!right) return false;
  bool ascending = left->leaf && !left->next && compare(key, key_of(left->rows[FAN - 1])) > 0;
  unsigned cut = ascending ? FAN - 1 : FAN / 2;
  unsigned from = left->leaf ? cut : cut + 1; /* an inner node gives its middle row to the parent */
  right->count = FAN - from;
  memcpy(right->rows, left->rows + from, right->count * sizeof *right->rows);
  if (left->leaf) {
    right->next = left->next;
    left->next = right;
  } else {
    memcpy(right->kids, left->kids + from, (right->count + 1) * sizeof *right->kids);
  }
  left->count = cut;
  insert(parent, i, left->leaf ? right->rows[0] : left->rows[cut], right);
  renew_skip(left);
  renew_skip(right);
  return true;
}

static bool grow_root(fsm__overlay *overlay, unsigned table) {
  node *root = overlay->roots[table];
  node *above = node_new(overlay, root == NULL);
  if (!above) return false;
  if (root) above->kids[0] = root;
  overlay->roots[table] = above;
  return true;
}

/* The leaf where key belongs, with room for one more row: full nodes are split on the way down. */
static node *roomy_leaf(fsm__overlay *overlay, unsigned table, key_ref key) {
  node *n = overlay->roots[table];
  if ((!n || n->count == FAN) && !grow_root(overlay, table)) return NULL;
  n = overlay->roots[table];
  while (!n->leaf) {
    bool exact;
    unsigned i = lower(n, key, &exact) + exact;
    if (n->kids[i]->count == FAN) {
      if (!split(overlay, n, i, key)) return NULL;
      i += compare(key_of(n->rows[i]), key) <= 0;
    }
    n = n->kids[i];
  }
  return n;
}

static row *row_new(fsm__overlay *overlay, key_ref key, bool own) {
  row *r = take(overlay, sizeof *r + key.len);
  if (!r) return NULL;
  *r = (row){.key_len = (uint32_t)key.len & INT32_MAX, .own = own};
  if (key.len) memcpy(r->key, key.data, key.len);
  overlay->rows++;
  return r;
}

static version *version_new(fsm__overlay *overlay, size_t cap) {
  version *v = take(overlay, sizeof(version) + cap);
  if (v) *v = (version){.cap = (uint32_t)cap & INT32_MAX};
  return v;
}

/* Can the version stamped `stamp` be asked for, when the next newer one is stamped `newer`? */
static bool wanted(const fsm__horizon *h, uint64_t stamp, uint64_t newer) {
  if (stamp == newer) return false; /* replaced within one batch */
  if (newer > h->visible) return true;
  for (size_t i = 0; i < h->pin_count; i++)
    if (h->pins[i] >= stamp && h->pins[i] < newer) return true;
  return false;
}

/* Takes what nobody can ask for out of the row; of that, the version with the most room. */
static version *drop_unwanted(const fsm__horizon *h, row *r) {
  version *best = NULL;
  uint64_t newer = h->stamp;
  for (version **at = &r->newest; *at;) {
    version *v = *at;
    if (wanted(h, v->stamp, newer)) {
      newer = v->stamp;
      at = &v->older;
      continue;
    }
    *at = v->older;
    if (!best || v->cap > best->cap) best = v;
  }
  return best;
}

/* A version with room for len bytes that the put may write; not yet in the row, unless it is its newest. */
static version *version_for(fsm__overlay *overlay, row *r, size_t len) {
  const fsm__horizon *h = overlay->horizon;
  version *v = r->newest;
  if (v && v->stamp == h->stamp && len <= v->cap) return v; /* of this batch: nobody saw it */
  bool grown = v && len > v->cap;
  if (v) v = drop_unwanted(h, r);
  if (!v || v->cap < len) v = version_new(overlay, grown ? len + len / 4 : len); /* what grew grows again */
  return v;
}

/* The row of key, made when there is none. */
static row *row_for(fsm__overlay *overlay, unsigned table, key_ref key, bool own) {
  node *leaf = roomy_leaf(overlay, table, key);
  if (!leaf) return NULL;
  bool exact;
  unsigned i = lower(leaf, key, &exact);
  if (exact) return leaf->rows[i];
  row *r = row_new(overlay, key, own);
  if (r) insert(leaf, i, r, NULL);
  return r;
}

static fsm_code change(fsm__overlay *overlay, unsigned table, key_ref key, const void *value,
                       size_t value_len, bool deleted, bool own, fsm_error *err) {
  FSM_ASSERT(overlay && table < overlay->tables && (key.data || !key.len) && (value || !value_len));
  if (key.len > INT32_MAX || value_len > INT32_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "a row of %zu and %zu bytes", key.len, value_len);
  row *r = row_for(overlay, table, key, own);
  version *v = r ? version_for(overlay, r, value_len) : NULL;
  if (!v) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a row of %zu bytes", value_len);
  if (value_len) memmove(v->value, value, value_len); /* a caller may give back what get showed it */
  v->len = (uint32_t)value_len;
  v->stamp = overlay->horizon->stamp;
  v->deleted = deleted;
  if (r->newest == v) return FSM_OK;
  v->older = r->newest;
  r->newest = v;
  return FSM_OK;
}

fsm_code fsm__overlay_put(fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                          const void *value, size_t value_len, bool own, fsm_error *err) {
  return change(overlay, table, ref(key, key_len), value, value_len, false, own, err);
}

fsm_code fsm__overlay_delete(fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                             fsm_error *err) {
  return change(overlay, table, ref(key, key_len), NULL, 0, true, false, err);
}
