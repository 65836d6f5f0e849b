/* print.c: how commands print, and what several of them do the same way. */
#include <string.h>

#include "tools/cli/cli.h"

enum { LABEL_WIDTH = 13 };

fsm_code cli_flush(cli_run *cli, fsm_error *err) { return cli_outlet_write(cli, err); }

fsm_code cli_print_json(cli_run *cli, const fsm_value *document, fsm_error *err) {
  fsm_buf raw = {0};
  if (cli->screen.tty && cli->format != CLI_JSONL)
    fsm_json_write_pretty(&raw, document);
  else
    fsm_json_write(&raw, document);
  cli_escape_json(&cli->text, fsm_buf_text(&raw), raw.len);
  fsm_buf_char(&cli->text, '\n');
  bool ok = fsm_buf_ok(&raw);
  fsm_buf_free(&raw);
  if (!ok) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the document");
  return cli_flush(cli, err);
}

void cli_print_line(cli_run *cli, const char *label, const char *value) {
  if (*value == 0) return;
  int gap = LABEL_WIDTH - (int)cli_width(label);
  fsm_buf_printf(&cli->text, "%s:%*s", label, gap > 0 ? gap : 1, "");
  fsm_buf_str(&cli->text, value);
  fsm_buf_char(&cli->text, '\n');
}

void cli_print_states(cli_run *cli, const char *label, const char *value) {
  fsm_buf line = {0};
  if (*value == 0) return;
  int gap = LABEL_WIDTH - (int)cli_width(label);
  fsm_buf_printf(&line, "%s:%*s%s", label, gap > 0 ? gap : 1, "", value);
  cli_wrap(&cli->text, fsm_buf_text(&line), cli->screen.columns, LABEL_WIDTH + 1);
  fsm_buf_char(&cli->text, '\n');
  fsm_buf_free(&line);
}

static bool holds(const fsm_value *list, const fsm_value *item) {
  for (uint32_t i = 0; i < list->len; i++)
    if (fsm_value_same(&list->items[i], item)) return true;
  return false;
}

/* Those items of a list that the other one has too, or has not. */
static fsm_value shared(fsm_arena *arena, const fsm_value *list, const fsm_value *other, bool has) {
  fsm_value *items = fsm_arena_zalloc(arena, list->len + 1u, sizeof *items);
  uint32_t kept = 0;
  for (uint32_t i = 0; items != NULL && i < list->len; i++)
    if (holds(other, &list->items[i]) == has) items[kept++] = list->items[i];
  return fsm_list(items, kept);
}

static bool differ(const fsm_value *from, const fsm_value *to) {
  return from != NULL && to != NULL && fsm_is(from, FSM_LIST) && fsm_is(to, FSM_LIST) && from->len > 0 &&
         !fsm_value_same(from, to);
}

const char *cli_unmoved(fsm_arena *arena, const fsm_value *from, const fsm_value *to) {
  if (!differ(from, to)) return "";
  fsm_value both = shared(arena, to, from, true);
  return cli_text(arena, &both);
}

fsm_value cli_entered(fsm_arena *arena, const fsm_value *from, const fsm_value *to) {
  if (differ(from, to)) return shared(arena, to, from, false);
  return to == NULL ? fsm_null() : *to;
}

const char *cli_change(fsm_arena *arena, const fsm_value *from, const fsm_value *to) {
  fsm_value entered = cli_entered(arena, from, to), left = fsm_null();
  if (differ(from, to)) left = shared(arena, from, to, false);
  const char *before = cli_text(arena, differ(from, to) ? &left : from), *after = cli_text(arena, &entered);
  if (*before == 0) return after;
  if (*after == 0 || strcmp(before, after) == 0) return before;
  const char *text = fsm_arena_printf(arena, "%s → %s", before, after);
  return text == NULL ? "" : text;
}

fsm_code cli_ref(cli_run *cli, const char *word, fsm_error *err) {
  static const char cut[] = "…";
  const char *gap = strstr(word, cut);
  size_t len = gap == NULL ? strlen(word) : (size_t)(gap - word);
  if (len == 0)
    return fsm_fail(err, FSM_EARGUMENT, "REF", "an instance is an id, a prefix of one or MACHINE/key:KEY");
  cli->ref = fsm_arena_strndup(&cli->arena, word, len);
  if (cli->ref == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  if (gap != NULL && gap[sizeof cut - 1] != 0) cli->cut = gap + sizeof cut - 1;
  return FSM_OK;
}

fsm_code cli_ref_check(cli_run *cli, fsm_error *err) {
  if (cli->cut == NULL) return FSM_OK;
  fsm_value document;
  fsm_error fault = {0};
  fsm_query query = {.kind = FSM_QUERY_INSTANCE, .ref = cli->ref};
  fsm_code code = cli_source_query(&cli->source, &query, &cli->arena, &document, &fault);
  if (code == FSM_EAMBIGUOUS)
    return fsm_fail(err, code, cli->ref,
                    "more than one id begins so, and this one was cut; "
                    "`fsm-cli ls | cat` has them whole");
  if (code != FSM_OK) return fsm_fail(err, code, fault.where, "%s", fault.text);
  const fsm_value *id = fsm_map_get(&document, "id");
  size_t len = strlen(cli->cut);
  bool same = id != NULL && fsm_is(id, FSM_STRING) && id->len >= len &&
              memcmp(id->s + id->len - len, cli->cut, len) == 0;
  if (same) return FSM_OK;
  return fsm_fail(err, FSM_EINSTANCE, cli->ref, "the only id that begins so does not end in %s", cli->cut);
}

fsm_code cli_about_query(cli_run *cli, fsm_query query, fsm_value *out, fsm_error *err) {
  fsm_code code = cli_ref(cli, cli->args.words[0], err);
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_ref_check(cli, err);
  query.ref = cli->ref;
  return code == FSM_OK ? cli_source_query(&cli->source, &query, &cli->arena, out, err) : code;
}

fsm_code cli_about(cli_run *cli, fsm_query_kind kind, fsm_value *out, fsm_error *err) {
  return cli_about_query(cli, (fsm_query){.kind = kind}, out, err);
}
