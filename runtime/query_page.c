/* query_page.c: pages of instances and the cursors between them. */
#include "runtime/query_page.h"

#include <string.h>

#include "runtime/crc32c.h"
#include "runtime/hash.h"
#include "runtime/query_row.h"

/* ---- cursors ------------------------------------------------------------------------------------ */

enum { CURSOR_HEAD = 20, CURSOR_MAX = CURSOR_HEAD + FSM__CURSOR_PLACE_MAX };

static bool bytes_of_hex(const char *hex, uint8_t *out, size_t max, size_t *len) {
  static const char digits[] = "0123456789abcdef";
  *len = strlen(hex) / 2;
  if (strlen(hex) % 2 != 0 || *len > max) return false;
  for (size_t i = 0; hex[i] != 0; i++) {
    const char *digit = strchr(digits, hex[i]);
    if (digit == NULL) return false;
    uint8_t nibble = (uint8_t)(digit - digits);
    out[i / 2] = i % 2 == 0 ? (uint8_t)(nibble << 4) : (uint8_t)(out[i / 2] | nibble);
  }
  return true;
}

bool fsm__cursor_read(const char *text, uint64_t *mark, int64_t *now_ns, fsm__key *place) {
  uint8_t bytes[CURSOR_MAX];
  size_t len = 0;
  if (!bytes_of_hex(text, bytes, sizeof bytes, &len) || len <= CURSOR_HEAD) return false;
  if (fsm__key_read_u32(bytes) != fsm__crc32c(0, bytes + 4, len - 4)) return false;
  *mark = fsm__key_read_u64(bytes + 4);
  *now_ns = (int64_t)fsm__key_read_u64(bytes + 12);
  place->len = 0;
  fsm__key_add(place, bytes + CURSOR_HEAD, len - CURSOR_HEAD);
  return *now_ns >= 0;
}

const char *fsm__cursor_text(fsm_arena *arena, uint64_t mark, int64_t now_ns, const fsm__key *place) {
  enum { CHECK = 4 };
  fsm__key head = {.len = 0}, check = {.len = 0};
  uint8_t bytes[CURSOR_MAX];
  FSM_ASSERT(place->len > 0 && place->len <= FSM__CURSOR_PLACE_MAX);
  fsm__key_u64(&head, mark);
  fsm__key_u64(&head, (uint64_t)now_ns);
  memcpy(bytes + CHECK, head.bytes, head.len);
  memcpy(bytes + CURSOR_HEAD, place->bytes, place->len);
  fsm__key_u32(&check, fsm__crc32c(0, bytes + CHECK, CURSOR_HEAD - CHECK + place->len));
  memcpy(bytes, check.bytes, CHECK);
  char *text = fsm_arena_alloc(arena, 2 * (CURSOR_HEAD + place->len) + 1);
  if (text != NULL) fsm__hex(bytes, CURSOR_HEAD + place->len, text);
  return text;
}

/* The same query with the same filter, in words; not the size of its pages. */
static fsm_code mark_of(const fsm__reading *at, const fsm_filter *filter, uint64_t *out, fsm_error *err) {
  const char *text = fsm_filter_text(filter, at->arena);
  if (text != NULL)
    text = fsm_arena_printf(at->arena, "%d %lld %s %s %s", (int)at->query->kind,
                            (long long)filter->for_least_ns, at->query->by != NULL ? at->query->by : "",
                            at->query->sum != NULL ? at->query->sum : "", text);
  if (text == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  const fsm__hash hash = fsm__sha256(text, strlen(text));
  *out = fsm__key_read_u64(hash.bytes);
  return FSM_OK;
}

/* ---- pages -------------------------------------------------------------------------------------- */

fsm_code fsm__page_open(const fsm__reading *at, const fsm_filter *filter, fsm__page *out, fsm_error *err) {
  const char *after = at->query->after;
  uint64_t mark = 0;
  *out = (fsm__page){.at = at, .now_ns = at->now_ns, .items = {.arena = at->arena}, .goes_on = after != NULL};
  fsm_code code = mark_of(at, filter, &out->mark, err);
  if (code == FSM_OK) code = fsm__with_read(at->query->with, &out->with, err);
  if (code != FSM_OK || after == NULL) return code;
  if (!fsm__cursor_read(after, &mark, &out->now_ns, &out->after))
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", after);
  if (mark != out->mark)
    return fsm_fail(err, FSM_EARGUMENT, "after",
                    "it is the next page of another list: begin without it, or ask as before");
  return FSM_OK;
}

bool fsm__page_is_full(const fsm__page *page) { return page->items.count == page->at->query->limit; }

void fsm__page_stop(fsm__page *page, const fsm__key *place) {
  page->last.len = 0;
  fsm__key_add(&page->last, place->bytes, place->len);
  page->more = true;
}

fsm_code fsm__page_add(fsm__page *page, uint64_t number, const fsm__key *place, bool *full, fsm_error *err) {
  const fsm__reading *at = page->at;
  fsm__instance in;
  fsm_value view;
  *full = fsm__page_is_full(page);
  page->more = *full; /* there is one more than fit: what was added last is where it goes on */
  if (*full) return FSM_OK;
  fsm_code code = fsm__instance_load(at->core->store, at->core->catalog, number, at->arena, &in, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_ECORRUPT, "store: instances", "instance number %llu has no row",
                    (unsigned long long)number);
  const uint64_t looked = page->sieve->looked; /* what a row tells besides is bounded by the page */
  if (code == FSM_OK) code = fsm__query_row_with(page->sieve, &in, page->with, &view, err);
  page->sieve->looked = looked;
  if (code != FSM_OK) return code;
  fsm__items_add(&page->items, view);
  page->last.len = 0;
  fsm__key_add(&page->last, place->bytes, place->len);
  return FSM_OK;
}

/* For how many instances the expression failed, and how the first of them did. */
static void put_faults(fsm__document *d, const fsm__sieve *sieve) {
  if (sieve->faults == 0) return;
  fsm__document_put(d, "faults", fsm_int((int64_t)sieve->faults));
  const char *text = fsm_arena_printf(d->arena, "%s: %s", sieve->fault.where, sieve->fault.text);
  if (text == NULL) d->failed = true;
  fsm__document_text(d, "fault", text);
}

fsm_code fsm__page_document(fsm__page *page, const fsm__sieve *sieve, fsm_value *out, fsm_error *err) {
  const fsm__reading *at = page->at;
  fsm__document d = {.arena = at->arena};
  const char *next = NULL;
  if (page->items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  if (page->more) {
    next = fsm__cursor_text(at->arena, page->mark, page->now_ns, &page->last);
    if (next == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  }
  fsm__document_put(&d, "items", fsm_list(page->items.items, page->items.count));
  fsm__document_put(&d, "next", next != NULL ? fsm_string(next) : fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  put_faults(&d, sieve);
  fsm__document_time(&d, "now", page->now_ns);
  return fsm__document_map(&d, out, err);
}
