/* pages.c: the loop over `next`. Each page has its own memory, so that any number of pages will do. */
#include "tools/cli/pages.h"

#include <stdio.h>
#include <string.h>

typedef struct progress {
  cli_table table;
  fsm_arena arena; /* of the page */
  fsm_buf next;    /* `next` of the last page */
  int64_t printed; /* items */
  bool begun;      /* the document that holds all items */
  unsigned page;
  bool more;
} progress;

/* A page that is too large to be sent is asked for again in halves. */
static fsm_code fetch(cli_run *cli, const cli_pages *pages, progress *at, fsm_value *out, fsm_error *err) {
  fsm_query query = pages->query;
  query.after = at->more ? fsm_buf_text(&at->next) : NULL;
  for (;;) {
    query.limit = at->page;
    if (pages->max > 0 && (query.limit == 0 || query.limit > pages->max - at->printed))
      query.limit =
          (unsigned)(pages->max - at->printed < FSM_PAGE_MAX ? pages->max - at->printed : FSM_PAGE_MAX);
    fsm_code code = cli_source_query(&cli->source, &query, &at->arena, out, err);
    if (code != FSM_ETOOLARGE || query.limit == 1) return code;
    at->page = query.limit == 0 ? FSM_PAGE_DEFAULT / 2 : query.limit / 2;
    fsm_arena_reset(&at->arena);
  }
}

static fsm_code items_of(const fsm_value *document, const fsm_value **items, fsm_error *err) {
  *items = fsm_map_get(document, "items");
  if (*items == NULL || !fsm_is(*items, FSM_LIST))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no items; is that a fsmd?");
  return FSM_OK;
}

/* Keeps `next`, which may be a text or a number. A page may have no items and more behind it, but one that
 * says to go on where it began would never end. */
static void keep_next(progress *at, const fsm_value *document, bool empty) {
  const fsm_value *next = fsm_map_get(document, "next");
  const bool went_on = at->more;
  fsm_buf text = {0};
  at->more = next != NULL && !fsm_is(next, FSM_NULL);
  if (!at->more) return;
  if (fsm_is(next, FSM_STRING))
    fsm_buf_add(&text, next->s, next->len);
  else
    fsm_json_write(&text, next);
  if (empty && went_on && strcmp(fsm_buf_text(&text), fsm_buf_text(&at->next)) == 0) at->more = false;
  fsm_buf_free(&at->next);
  at->next = text;
}

static fsm_code print_page(cli_run *cli, const cli_pages *pages, progress *at, const fsm_value *document,
                           const fsm_value *items, fsm_error *err) {
  for (uint32_t i = 0; i < items->len; i++)
    pages->item(cli, &at->table, &at->arena, document, &items->items[i]);
  fsm_code code = FSM_OK;
  if (items->len == 0 && at->more) return FSM_OK;
  if (items->len == 0 && at->printed == 0 && cli->screen.tty) {
    fputs("fsm-cli: there are none\n", stderr);
  } else if (pages->columns != NULL) {
    code = cli_table_print(&at->table, &cli->screen, &cli->text, err);
    cli_table_clear(&at->table);
  }
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

/* The items of a page, into the document that the first page began. */
static fsm_code print_json_items(cli_run *cli, progress *at, const fsm_value *items, fsm_error *err) {
  fsm_buf raw = {0};
  if (!at->begun) fsm_buf_str(&raw, "{\"items\":[");
  at->begun = true;
  for (uint32_t i = 0; i < items->len; i++) {
    if (i > 0 || at->printed > 0) fsm_buf_char(&raw, ',');
    fsm_json_write(&raw, &items->items[i]);
  }
  cli_escape_json(&cli->text, fsm_buf_text(&raw), raw.len);
  if (!fsm_buf_ok(&raw)) cli->text.failed = true;
  fsm_buf_free(&raw);
  return cli_flush(cli, err);
}

/* The end of that document: the other members of the last page. */
static fsm_code print_json_rest(cli_run *cli, const fsm_value *document, fsm_error *err) {
  fsm_buf raw = {0};
  fsm_buf_char(&raw, ']');
  for (uint32_t i = 0; i < document->len; i++) {
    const fsm_pair *pair = &document->pairs[i];
    if (fsm_is_text(&pair->key, "items")) continue;
    fsm_buf_char(&raw, ',');
    fsm_json_write(&raw, &pair->key);
    fsm_buf_char(&raw, ':');
    fsm_json_write(&raw, &pair->value);
  }
  fsm_buf_str(&raw, "}\n");
  cli_escape_json(&cli->text, fsm_buf_text(&raw), raw.len);
  if (!fsm_buf_ok(&raw)) cli->text.failed = true;
  fsm_buf_free(&raw);
  return cli_flush(cli, err);
}

static fsm_code loop(cli_run *cli, const cli_pages *pages, progress *at, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (bool first = true; code == FSM_OK && (first || at->more); first = false) {
    fsm_value document;
    const fsm_value *items = NULL;
    code = fetch(cli, pages, at, &document, err);
    if (code == FSM_OK) code = items_of(&document, &items, err);
    if (code != FSM_OK) return code;
    keep_next(at, &document, items->len == 0);
    bool only = first && !at->more;
    if (cli->json && only) return cli_print_json(cli, &document, err);
    code =
        cli->json ? print_json_items(cli, at, items, err) : print_page(cli, pages, at, &document, items, err);
    at->printed += items->len;
    bool last = !at->more || (pages->max > 0 && at->printed >= pages->max);
    if (code == FSM_OK && cli->json && last) code = print_json_rest(cli, &document, err);
    fsm_arena_reset(&at->arena);
    if (last) break;
  }
  return code;
}

fsm_code cli_pages_print(cli_run *cli, const cli_pages *pages, fsm_error *err) {
  FSM_ASSERT(pages->item != NULL && pages->max >= 0);
  progress at = {.page = pages->page};
  fsm_arena_init(&at.arena, 0);
  if (pages->columns != NULL) cli_table_begin(&at.table, &at.arena, pages->columns, pages->column_count);
  fsm_code code = loop(cli, pages, &at, err);
  if (code == FSM_OK && at.more && pages->tip != NULL)
    fprintf(stderr, "fsm-cli: %lld shown, there are more: %s\n", (long long)at.printed, pages->tip);
  fsm_arena_free(&at.arena);
  fsm_buf_free(&at.next);
  return code;
}
