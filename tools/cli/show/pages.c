/* pages.c: the loop over `next`, and items in each format. Each page has its own memory, so that any number
 * of pages will do. */
#include "tools/cli/show/pages.h"

#include <ctype.h>
#include <string.h>

typedef struct progress {
  cli_table table;
  fsm_arena arena; /* of the page */
  fsm_buf next;    /* `next` of the last page */
  int64_t printed; /* items */
  bool begun;      /* the document that holds all items, the header of csv */
  unsigned page;
  bool more, any;
  bool archived; /* older records are not kept */
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

/* ---- a table, csv, ids ------------------------------------------------------------------------------- */

static fsm_code print_table(cli_run *cli, const cli_pages *pages, progress *at, const fsm_value *document,
                            const fsm_value *items, fsm_error *err) {
  for (uint32_t i = 0; i < items->len; i++)
    pages->item(cli, &at->table, &at->arena, document, &items->items[i]);
  fsm_code code = FSM_OK;
  const bool none = at->printed == 0 && !at->more && !cli->screen.tty; /* a header is still a table */
  if ((items->len > 0 || none) && pages->columns != NULL) {
    code = cli_table_print(&at->table, &cli->screen, &cli->text, err);
    cli_table_clear(&at->table);
  }
  return code;
}

static void add_header(cli_run *cli, const cli_pages *pages) {
  for (size_t c = 0; c < pages->column_count; c++) {
    const cli_column *column = &pages->columns[c];
    if (c > 0) fsm_buf_char(&cli->text, ',');
    if (column->name != NULL) fsm_buf_str(&cli->text, column->name);
    for (const char *t = column->title; column->name == NULL && *t != 0; t++)
      fsm_buf_char(&cli->text, isalnum((unsigned char)*t) ? (char)tolower((unsigned char)*t) : '_');
  }
  fsm_buf_char(&cli->text, '\n');
}

static fsm_code print_csv(cli_run *cli, const cli_pages *pages, progress *at, const fsm_value *document,
                          const fsm_value *items, fsm_error *err) {
  if (pages->columns == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "output", "-o csv is of the table only; see -o jsonl");
  if (!at->begun) add_header(cli, pages);
  at->begun = true;
  for (uint32_t i = 0; i < items->len; i++) {
    pages->item(cli, &at->table, &at->arena, document, &items->items[i]);
    for (size_t r = 0; r < at->table.rows; r++) {
      for (size_t c = 0; c < pages->column_count; c++) {
        const char *name = pages->columns[c].name;
        const fsm_value *value = name == NULL ? NULL : cli_member_at(&items->items[i], name);
        if (c > 0) fsm_buf_char(&cli->text, ',');
        if (value != NULL && at->table.rows == 1)
          cli_csv_value(cli, value);
        else
          cli_csv_text(cli, at->table.cells[r * pages->column_count + c]);
      }
      fsm_buf_char(&cli->text, '\n');
    }
    if (at->table.failed) return cli_table_print(&at->table, &cli->screen, &cli->text, err);
    cli_table_clear(&at->table);
  }
  return FSM_OK;
}

static fsm_code print_ids(cli_run *cli, const cli_pages *pages, progress *at, const fsm_value *items,
                          fsm_error *err) {
  const char *path = pages->id == NULL ? "id" : pages->id;
  for (uint32_t i = 0; i < items->len; i++) {
    const fsm_value *id = cli_member_at(&items->items[i], path);
    if (id == NULL)
      return fsm_fail(err, FSM_EARGUMENT, "output", "-o id: the items have no %s; see -o json", path);
    fsm_buf_printf(&cli->text, "%s\n", cli_text(&at->arena, id));
  }
  return FSM_OK;
}

/* ---- json -------------------------------------------------------------------------------------------- */

static fsm_code print_lines(cli_run *cli, const fsm_value *items) {
  fsm_buf raw = {0};
  for (uint32_t i = 0; i < items->len; i++) {
    fsm_json_write(&raw, &items->items[i]);
    fsm_buf_char(&raw, '\n');
  }
  cli_escape_json(&cli->text, fsm_buf_text(&raw), raw.len);
  if (!fsm_buf_ok(&raw)) cli->text.failed = true;
  fsm_buf_free(&raw);
  return FSM_OK;
}

/* The items of a page, into the document that the first page began. */
static void add_items(cli_run *cli, progress *at, const fsm_value *items) {
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
}

/* The end of that document: the other members of the last page. */
static void add_rest(cli_run *cli, const fsm_value *document) {
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
}

/* ---- the loop ---------------------------------------------------------------------------------------- */

static fsm_code print_page(cli_run *cli, const cli_pages *pages, progress *at, const fsm_value *document,
                           const fsm_value *items, fsm_error *err) {
  switch (cli->format) {
    case CLI_JSON: add_items(cli, at, items); return FSM_OK;
    case CLI_JSONL: return print_lines(cli, items);
    case CLI_CSV: return print_csv(cli, pages, at, document, items, err);
    case CLI_ID: return print_ids(cli, pages, at, items, err);
    default: return print_table(cli, pages, at, document, items, err);
  }
}

static void finish(cli_run *cli, const cli_pages *pages, const progress *at, const fsm_value *document) {
  if (cli->format == CLI_JSON) add_rest(cli, document);
  cli_footer(cli, at->printed, pages->noun, document, at->more ? pages->tip : NULL);
  if (at->archived) cli_footer_note(cli, "what was before is archived: --archive-dir");
}

/* The first page that is the only one, as it is. */
static fsm_code take(cli_run *cli, const cli_pages *pages, progress *at, const fsm_value *document, bool last,
                     fsm_error *err) {
  const fsm_value *items = NULL;
  fsm_code code = items_of(document, &items, err);
  if (code != FSM_OK) return code;
  if (items->len > 0) at->any = true;
  if (fsm_map_get(document, "archived") != NULL) at->archived = true;
  if (last && !at->begun && cli->format == CLI_JSON) return cli_print_json(cli, document, err);
  code = print_page(cli, pages, at, document, items, err);
  at->printed += items->len;
  if (code == FSM_OK && last) finish(cli, pages, at, document);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static fsm_code loop(cli_run *cli, const cli_pages *pages, progress *at, fsm_error *err) {
  for (bool last = false; !last;) {
    fsm_value document;
    const fsm_value *items = NULL;
    fsm_code code = fetch(cli, pages, at, &document, err);
    cli_progress_end(cli);
    if (code == FSM_OK) code = items_of(&document, &items, err);
    if (code != FSM_OK) return code;
    keep_next(at, &document, items->len == 0);
    last = !at->more || (pages->max > 0 && at->printed + items->len >= pages->max);
    code = take(cli, pages, at, &document, last, err);
    if (code != FSM_OK) return code;
    if (!last) cli_progress(cli, at->printed, pages->noun, &document);
    if (pages->max == 0 && at->page == 0) at->page = FSM_PAGE_MAX; /* many are wanted: fewer questions */
    fsm_arena_reset(&at->arena);
  }
  return FSM_OK;
}

static void begin(cli_run *cli, const cli_pages *pages, progress *at) {
  cli_page(cli);
  FSM_ASSERT(pages->item != NULL && pages->max >= 0);
  *at = (progress){.page = pages->page};
  fsm_arena_init(&at->arena, 0);
  if (pages->columns != NULL) cli_table_begin(&at->table, &at->arena, pages->columns, pages->column_count);
  at->table.wide = cli->format == CLI_WIDE;
}

static void tell_matches(cli_run *cli, const progress *at) {
  if (at->any && cli_args_has(&cli->args, "exit-status")) cli->exit = fsm_code_exit(FSM_EMATCHES);
}

fsm_code cli_pages_print(cli_run *cli, const cli_pages *pages, fsm_error *err) {
  progress at;
  begin(cli, pages, &at);
  fsm_code code = loop(cli, pages, &at, err);
  if (code == FSM_OK) tell_matches(cli, &at);
  fsm_arena_free(&at.arena);
  fsm_buf_free(&at.next);
  return code;
}

fsm_code cli_items_print(cli_run *cli, const cli_pages *pages, const fsm_value *document, fsm_error *err) {
  progress at;
  begin(cli, pages, &at);
  const fsm_value *next = fsm_map_get(document, "next");
  at.more = next != NULL && !fsm_is(next, FSM_NULL);
  fsm_code code = take(cli, pages, &at, document, true, err);
  if (code == FSM_OK) tell_matches(cli, &at);
  fsm_arena_free(&at.arena);
  return code;
}

fsm_code cli_pages_run(cli_run *cli, cli_pages *pages, fsm_error *err) {
  const bool all = cli_args_has(&cli->args, "all");
  if (all && cli_args_has(&cli->args, "limit"))
    return fsm_fail(err, FSM_EARGUMENT, "all", "--all and --limit exclude each other");
  pages->tip = all ? NULL : "--limit N or --all";
  pages->page = all ? FSM_PAGE_MAX : 0;
  fsm_code code =
      cli_args_number(&cli->args, "limit", 1, 1000000, all ? 0 : FSM_PAGE_DEFAULT, &pages->max, err);
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  return code == FSM_OK ? cli_pages_print(cli, pages, err) : code;
}
