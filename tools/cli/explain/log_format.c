/* log_format.c: records in the formats of runtime/format.h, made from the documents that were answered: what
 * is masked there stays masked, and there is no leaf, for it is that of the whole record. What a terminal acts
 * on is escaped: the same documents. */
#include <stdlib.h>
#include <string.h>

#include "runtime/format.h"
#include "runtime/manifest.h"
#include "schema/record_parse.h"
#include "schema/safe_text.h"
#include "tools/cli/explain/records.h"
#include "tools/cli/explain/xes.h"

struct cli_export {
  fsm__formatter *formatter; /* NULL: xes */
  cli_xes *xes;
  bool begun;
  fsm_error fault; /* the first */
};

fsm_code cli_export_new(const char *format, cli_export **out, fsm_error *err) {
  static const char *const names[] = {"json", "seed", "ecs", "otlp", "cloudevents", "csv", "xes"};
  bool known = false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) known = known || strcmp(names[i], format) == 0;
  if (!known)
    return fsm_fail(err, FSM_EARGUMENT, "format",
                    "--format takes json, seed, ecs, otlp, cloudevents, csv or xes, not %s", format);
  cli_export *export = calloc(1, sizeof *export);
  if (export == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a format");
  fsm_code code = FSM_OK;
  if (strcmp(format, "xes") != 0)
    code = fsm__formatter_new(&(fsm__format_options){.format = format}, &export->formatter, err);
  else if ((export->xes = cli_xes_new()) == NULL)
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory for a format");
  if (code != FSM_OK)
    cli_export_free(export);
  else
    *out = export;
  return code;
}

void cli_export_free(cli_export *export) {
  if (export == NULL) return;
  fsm__formatter_free(export->formatter);
  cli_xes_free(export->xes);
  free(export);
}

static fsm_origin origin_of(const fsm_value *record) {
  fsm_origin origin = {.partition = 0};
  int64_t number = 0;
  const fsm_value *store = fsm_map_get(record, "store");
  if (store != NULL && fsm_is(store, FSM_STRING))
    (void)fsm__unhex(store->s, store->len, origin.store, sizeof origin.store);
  if (cli_number(fsm_map_get(record, "part"), &number)) origin.partition = (uint32_t)number;
  if (cli_number(fsm_map_get(record, "epoch"), &number)) origin.epoch = (uint32_t)number;
  return origin;
}

static fsm_code add(cli_run *cli, cli_export *export, fsm_arena *arena, const fsm_value *record,
                    fsm_error *err) {
  fsm_buf bytes = {0};
  const char *doubt = NULL; /* what JSON does not say is not shown either */
  int64_t seq = 0;
  if (export->xes != NULL)
    return cli_xes_add(export->xes, arena, record) ? FSM_OK
                                                   : fsm_fail(err, FSM_ENOMEM, "", "no memory for xes");
  (void)cli_number(fsm_map_get(record, "seq"), &seq);
  fsm_code code = fsm_record_parse(arena, record, &bytes, &doubt, err);
  const char *head = fsm__formatter_head(export->formatter);
  if (code == FSM_OK && !export->begun && head != NULL) fsm_buf_printf(&cli->text, "%s\n", head);
  const fsm__exported exported = {.origin = origin_of(record),
                                  .data = bytes.data,
                                  .len = bytes.len,
                                  .seq = (uint64_t)seq,
                                  .after = (uint64_t)seq - 1,
                                  .bare = true};
  const size_t from = cli->text.len;
  if (code == FSM_OK) code = fsm__format(export->formatter, &exported, arena, &cli->text, err);
  if (code == FSM_OK && strcmp(fsm__formatter_name(export->formatter), "csv") != 0)
    fsm__json_make_safe(&cli->text, from);
  if (code == FSM_OK) fsm_buf_char(&cli->text, '\n');
  export->begun = true;
  fsm_buf_free(&bytes);
  return code;
}

static void item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                 const fsm_value *record) {
  (void)table, (void)document;
  cli_export *export = cli->own;
  fsm_error why = {.text = ""};
  if (export->fault.code == FSM_OK && add(cli, export, arena, record, &why) != FSM_OK) export->fault = why;
}

void cli_export_show(cli_run *cli, cli_export *export, cli_pages *pages) {
  cli->own = export;
  pages->columns = NULL;
  pages->item = item;
}

fsm_code cli_export_close(cli_run *cli, cli_export *export, fsm_error *err) {
  if (export->fault.code != FSM_OK)
    return fsm_fail(err, export->fault.code, export->fault.where, "%s", export->fault.text);
  if (export->xes != NULL) cli_xes_write(export->xes, &cli->text);
  return FSM_OK;
}

fsm_code cli_export_end(cli_run *cli, cli_export *export, fsm_error *err) {
  fsm_code code = cli_export_close(cli, export, err);
  return code == FSM_OK && export->xes != NULL ? cli_flush(cli, err) : code;
}
