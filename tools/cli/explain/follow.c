/* follow.c: a stream that is made again when it breaks, or files that are read when they have changed. */
#include "tools/cli/explain/follow.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/cli/explain/event_stream.h"
#include "tools/cli/route.h"

enum { AGAIN_MS = 100, AGAIN_MAX_MS = 2000, LOOK_MS = 500 };
#define SILENCE_NS (INT64_C(60) * 1000000000) /* a daemon says every 15 s that it is there */

typedef struct following {
  cli_run *cli;
  const cli_pages *pages;
  cli_table table;
  fsm_arena arena; /* of what is being printed */
  cli_event_stream stream;
  uint64_t after; /* all up to it was printed */
  int again_ms;
  fsm_code code; /* why it ends, in *err */
  fsm_error *err;
} following;

/* ---- printing ------------------------------------------------------------------------------------- */

static fsm_code print(following *f, const fsm_value *document, fsm_error *err) {
  cli_run *cli = f->cli;
  const fsm_value *items = fsm_map_get(document, "items");
  fsm_code code = FSM_OK;
  if (items == NULL || !fsm_is(items, FSM_LIST) || items->len == 0) return FSM_OK;
  for (uint32_t i = 0; i < items->len && code == FSM_OK; i++) {
    if (cli->format == CLI_JSONL)
      code = cli_print_json(cli, &items->items[i], err);
    else
      f->pages->item(cli, &f->table, &f->arena, document, &items->items[i]);
  }
  if (code == FSM_OK && cli->format != CLI_JSONL && f->pages->columns != NULL) {
    code = cli_table_print(&f->table, &cli->screen, &cli->text, err);
    cli_table_clear(&f->table);
  }
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static fsm_code print_item(following *f, fsm_value *item, fsm_error *err) {
  fsm_value document;
  fsm_pair *pair = fsm_arena_alloc(&f->arena, sizeof *pair);
  if (pair == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  *pair = (fsm_pair){fsm_string("items"), fsm_list(item, 1)};
  fsm_code code = fsm_map(pair, 1, &document, err);
  return code == FSM_OK ? print(f, &document, err) : code;
}

/* ---- pauses --------------------------------------------------------------------------------------- */

/* A pipe that nobody reads any more: as if something had been written to it. */
static bool reader_left(following *f, int wait_ms) {
  struct pollfd out = {.fd = STDOUT_FILENO};
  if (poll(&out, 1, wait_ms) <= 0 || (out.revents & (POLLERR | POLLNVAL)) == 0) return false;
  f->cli->hung_up = true;
  f->code = fsm_fail(f->err, FSM_EIO, "", "%s", "");
  return true;
}

static bool passes_by(fsm_code code) {
  return code == FSM_EUNREACHABLE || code == FSM_ETIMEOUT || code == FSM_EBUSY || code == FSM_ECLOSED ||
         code == FSM_ELOCKED;
}

/* Asked again later, ever less often; false: the reader has gone. */
static bool later(following *f) {
  const bool stays = !reader_left(f, f->again_ms);
  f->again_ms = f->again_ms * 2 < AGAIN_MAX_MS ? f->again_ms * 2 : AGAIN_MAX_MS;
  return stays;
}

/* A daemon, or files; false: neither can be had now. */
static bool reopen(following *f) {
  cli_run *cli = f->cli;
  fsm_error why;
  cli_source_close(&cli->source);
  fsm_code code = cli_source_open(&cli->place, false, &cli->source, &why);
  if (code != FSM_OK && !passes_by(code)) f->code = fsm_fail(f->err, code, why.where, "%s", why.text);
  return code == FSM_OK;
}

/* ---- a daemon's stream ------------------------------------------------------------------------------ */

static bool fails(following *f, fsm_code code) {
  f->code = code;
  return code != FSM_OK;
}

/* Why the daemon has ended it: what passes by is asked for again. */
static bool ended(following *f, const cli_event *event) {
  fsm_error why;
  const fsm_code code = cli_source_fault(&f->cli->source, 0, event->data, event->len, &why);
  return !passes_by(code) && fails(f, fsm_fail(f->err, code, why.where, "%s", why.text));
}

/* True: no more. */
static bool heard(following *f, const cli_event *event) {
  fsm_value item;
  fsm_error why;
  const uint64_t seq = event->id != NULL ? strtoull(event->id, NULL, 10) : 0;
  f->again_ms = AGAIN_MS;
  if (event->kind != NULL && strcmp(event->kind, "end") == 0) return ended(f, event);
  if (seq <= f->after) return false;
  if (event->data != NULL) {
    fsm_arena_reset(&f->arena);
    if (fsm_json_parse(&f->arena, event->data, event->len, FSM_JSON_SORTED, &item, &why) != FSM_OK)
      return fails(f, fsm_fail(f->err, FSM_EUNREACHABLE, "", "record %s of the stream is not JSON (%s)",
                               event->id, why.text));
    if (fails(f, print_item(f, &item, f->err))) return true;
  }
  f->after = seq;
  return false;
}

static bool on_part(void *arg, const char *data, size_t len) {
  following *f = arg;
  cli_event event;
  if (fails(f, cli_event_stream_add(&f->stream, data, len, f->err))) return false;
  while (cli_event_stream_next(&f->stream, &event))
    if (heard(f, &event)) return false;
  return true;
}

static bool on_alive(void *arg) { return !reader_left(arg, 0); }

static void listen_at(following *f, cli_source *live) {
  const fsm_web_listener listener = {.part = on_part, .alive = on_alive, .arg = f, .silence_ns = SILENCE_NS};
  fsm_query query = f->pages->query;
  fsm_arena scratch;
  fsm_buf path = {0};
  fsm_error why;
  char after[24];
  query.after = query.before = NULL;
  query.limit = 0;
  query.brief = false;
  snprintf(after, sizeof after, "%llu", (unsigned long long)f->after);
  cli_event_stream_reset(&f->stream);
  fsm_arena_init(&scratch, 0);
  cli_route(&path, &query);
  fsm_code code = fsm_buf_ok(&path)
                      ? cli_source_listen(live, fsm_buf_text(&path), after, &listener, &scratch, &why)
                      : fsm_fail(&why, FSM_ENOMEM, "", "no memory for a path");
  if (code != FSM_OK && f->code == FSM_OK && !passes_by(code))
    f->code = fsm_fail(f->err, code, why.where, "%s", why.text);
  fsm_buf_free(&path);
  fsm_arena_free(&scratch);
}

/* Until it breaks. On a connection of its own: what is printed may ask for labels meanwhile. */
static void listen_to(following *f) {
  cli_source live;
  fsm_error why;
  fsm_code code = cli_source_open(&f->cli->place, false, &live, &why);
  if (code != FSM_OK) {
    if (!passes_by(code)) f->code = fsm_fail(f->err, code, why.where, "%s", why.text);
    return;
  }
  if (live.web != NULL) listen_at(f, &live); /* else it has stopped just now */
  cli_source_close(&live);
}

/* ---- files that nobody has open ------------------------------------------------------------------- */

/* Whoever opens the files to write leaves its pid in `lock`, and takes it away; a daemon makes its socket. */
typedef struct times {
  struct timespec dir, lock;
  ino_t inode;
} times;

static times look(const char *dir) {
  times out = {.inode = 0};
  struct stat info;
  char path[4096];
  snprintf(path, sizeof path, "%s/store/lock", dir);
  if (stat(path, &info) == 0) out.lock = info.st_mtim, out.inode = info.st_ino;
  if (stat(dir, &info) == 0) out.dir = info.st_mtim;
  return out;
}

static bool same(const times *a, const times *b) {
  return a->inode == b->inode && a->dir.tv_sec == b->dir.tv_sec && a->dir.tv_nsec == b->dir.tv_nsec &&
         a->lock.tv_sec == b->lock.tv_sec && a->lock.tv_nsec == b->lock.tv_nsec;
}

/* All there is behind `after`. */
static fsm_code read_on(following *f, fsm_error *err) {
  fsm_query query = f->pages->query;
  query.before = NULL;
  query.limit = FSM_PAGE_MAX;
  for (bool more = true; more;) {
    fsm_value document;
    fsm_arena_reset(&f->arena);
    query.after = fsm_arena_printf(&f->arena, "%llu", (unsigned long long)f->after);
    if (query.after == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a place");
    fsm_code code = cli_source_query(&f->cli->source, &query, &f->arena, &document, err);
    if (code == FSM_OK) code = print(f, &document, err);
    if (code != FSM_OK) return code;
    const fsm_value *next = fsm_map_get(&document, "next"), *seq = fsm_map_get(&document, "seq");
    int64_t number = 0;
    more = next != NULL && fsm_is(next, FSM_STRING);
    if (more)
      f->after = strtoull(next->s, NULL, 10);
    else if (seq != NULL && cli_number(seq, &number) && (uint64_t)number > f->after)
      f->after = (uint64_t)number;
  }
  return FSM_OK;
}

/* Read; then nothing is held until somebody writes. */
static void read_files(following *f, const times *then) {
  fsm_error why;
  fsm_code code = read_on(f, &why);
  if (code != FSM_OK) f->code = fsm_fail(f->err, code, why.where, "%s", why.text);
  cli_source_close(&f->cli->source);
  for (times now = *then; f->code == FSM_OK && same(&now, then); now = look(f->cli->place.data))
    if (reader_left(f, LOOK_MS)) return;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static void go(following *f) {
  cli_run *cli = f->cli;
  bool open = true;
  while (f->code == FSM_OK) {
    const times then = cli->place.data != NULL ? look(cli->place.data) : (times){.inode = 0};
    if (open && cli->source.web != NULL) {
      listen_to(f);
      if (f->code == FSM_OK && !later(f)) return;
    } else if (open) {
      read_files(f, &then);
    } else if (!later(f)) {
      return;
    }
    if (f->code == FSM_OK) open = reopen(f);
  }
}

fsm_code cli_follow(cli_run *cli, const cli_pages *pages, const fsm_value *first, uint64_t after,
                    fsm_error *err) {
  FSM_ASSERT(pages->query.kind == FSM_QUERY_RECORDS);
  following f = {.cli = cli, .pages = pages, .after = after, .again_ms = AGAIN_MS, .err = err};
  fsm_arena_init(&f.arena, 0);
  if (pages->columns != NULL) cli_table_begin(&f.table, &f.arena, pages->columns, pages->column_count);
  f.table.wide = cli->format == CLI_WIDE;
  f.table.arena = &f.arena;
  f.code = print(&f, first, err);
  go(&f);
  cli_event_stream_free(&f.stream);
  fsm_arena_free(&f.arena);
  return f.code;
}
