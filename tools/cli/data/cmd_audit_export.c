/* cmd_audit_export.c: fsm-cli audit export FILE: records for an auditor, with what proves that the file is
 * whole.
 *
 * FILE.manifest.json says which records they are (filter, first and last seq, how many, as of which seq), the
 * SHA-256 of FILE, and the head of the hash chain just after: whoever puts the manifest down elsewhere can
 * tell later whether the file was altered, and by the head whether the log was. FILE appears when it is
 * whole; what is there already is never overwritten. What machines mark (x-pii) is masked, as in every
 * answer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/hash.h"
#include "tools/cli/explain/records.h"

typedef struct exporting {
  cli_run *cli;
  cli_pages pages;
  cli_export *export;
  const char *path, *part, *manifest, *format;
  FILE *file;
  fsm__digest *digest;
  uint64_t bytes;
  int64_t count, first, last, seq; /* seq: of the log, when the last page was read */
} exporting;

static fsm_code broken(const char *path, const char *what, fsm_error *err) {
  return fsm_fail(err, FSM_EIO, path, "cannot be %s: %s", what, strerror(errno));
}

static fsm_code put_down(exporting *x, fsm_error *err) {
  fsm_buf *text = &x->cli->text;
  if (!fsm_buf_ok(text)) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the export");
  if (text->len == 0) return FSM_OK;
  fsm__digest_add(x->digest, text->data, text->len);
  x->bytes += text->len;
  if (fwrite(text->data, 1, text->len, x->file) != text->len) return broken(x->part, "written", err);
  fsm_buf_reset(text);
  return FSM_OK;
}

static fsm_code put_page(exporting *x, fsm_arena *arena, const fsm_value *document, fsm_error *err) {
  const fsm_value *items = fsm_map_get(document, "items");
  if (items == NULL || !fsm_is(items, FSM_LIST))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no items; is that a fsmd?");
  for (uint32_t i = 0; i < items->len; i++) {
    int64_t seq = 0;
    x->pages.item(x->cli, NULL, arena, document, &items->items[i]);
    (void)cli_number(fsm_map_get(&items->items[i], "seq"), &seq);
    if (x->count++ == 0) x->first = seq;
    x->last = seq;
  }
  (void)cli_number(fsm_map_get(document, "seq"), &x->seq);
  return put_down(x, err);
}

static fsm_code walk(exporting *x, fsm_error *err) {
  fsm_query query = x->pages.query;
  fsm_arena arena;
  fsm_buf after = {0};
  fsm_code code = FSM_OK;
  fsm_arena_init(&arena, 0);
  for (bool more = true; more && code == FSM_OK;) {
    fsm_value document;
    query.after = after.len > 0 ? fsm_buf_text(&after) : NULL;
    query.limit = FSM_PAGE_MAX;
    code = cli_source_query(&x->cli->source, &query, &arena, &document, err);
    if (code == FSM_OK) code = put_page(x, &arena, &document, err);
    const fsm_value *next = code == FSM_OK ? fsm_map_get(&document, "next") : NULL;
    more = next != NULL && fsm_is(next, FSM_STRING);
    fsm_buf_reset(&after);
    if (more) fsm_buf_add(&after, next->s, next->len);
    fsm_arena_reset(&arena);
  }
  fsm_arena_free(&arena);
  fsm_buf_free(&after);
  return code;
}

/* ---- the manifest ---------------------------------------------------------------------------------- */

/* {id, seq, time, epoch, leaf_seq, leaf}, as audit head has it. */
static fsm_code head_of(exporting *x, fsm_value *out, fsm_error *err) {
  static const char *const names[] = {"epoch", "id", "prev", "seq", "time"};
  const fsm_query query = {.kind = FSM_QUERY_RECORDS, .before = "now", .limit = 1};
  fsm_arena *arena = &x->cli->arena;
  fsm_value page;
  fsm_code code = cli_source_query(&x->cli->source, &query, arena, &page, err);
  if (code != FSM_OK) return code;
  const fsm_value *items = fsm_map_get(&page, "items");
  if (items == NULL || !fsm_is(items, FSM_LIST) || items->len == 0)
    return fsm_fail(err, FSM_ENOTFOUND, "", "the log is empty: nothing was deployed yet");
  fsm_pair *pairs = fsm_arena_alloc(arena, 6 * sizeof *pairs);
  uint32_t count = 0;
  int64_t seq = 0;
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the manifest");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const fsm_value *value = fsm_map_get(&items->items[0], names[i]);
    const char *name = strcmp(names[i], "prev") == 0 ? "leaf" : names[i];
    if (value != NULL) pairs[count++] = (fsm_pair){fsm_string(name), *value};
  }
  (void)cli_number(fsm_map_get(&items->items[0], "seq"), &seq);
  pairs[count++] = (fsm_pair){fsm_string("leaf_seq"), fsm_int(seq - 1)};
  return fsm_map(pairs, count, out, err);
}

static fsm_code manifest_of(exporting *x, fsm_value *out, fsm_error *err) {
  char hex[2 * FSM_HASH_BYTES + 1];
  const char *slash = strrchr(x->path, '/');
  const fsm__hash hash = fsm__digest_end(x->digest);
  fsm_value head;
  x->digest = NULL;
  fsm_code code = head_of(x, &head, err);
  if (code != FSM_OK) return code;
  fsm__hex(hash.bytes, sizeof hash.bytes, hex);
  fsm_pair *pairs = fsm_arena_alloc(&x->cli->arena, 10 * sizeof *pairs);
  const char *sum = fsm_arena_strdup(&x->cli->arena, hex);
  if (pairs == NULL || sum == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the manifest");
  uint32_t n = 0;
  pairs[n++] = (fsm_pair){fsm_string("file"), fsm_string(slash != NULL ? slash + 1 : x->path)};
  pairs[n++] = (fsm_pair){fsm_string("format"), fsm_string(x->format)};
  pairs[n++] = (fsm_pair){fsm_string("bytes"), fsm_int((int64_t)x->bytes)};
  pairs[n++] = (fsm_pair){fsm_string("sha256"), fsm_string(sum)};
  pairs[n++] = (fsm_pair){fsm_string("records"), fsm_int(x->count)};
  pairs[n++] = (fsm_pair){fsm_string("seq"), fsm_int(x->seq)};
  pairs[n++] = (fsm_pair){fsm_string("filter"), x->pages.query.records};
  pairs[n++] = (fsm_pair){fsm_string("head"), head};
  if (x->count > 0) {
    pairs[n++] = (fsm_pair){fsm_string("from"), fsm_int(x->first)};
    pairs[n++] = (fsm_pair){fsm_string("to"), fsm_int(x->last)};
  }
  return fsm_map(pairs, n, out, err);
}

/* ---- files ------------------------------------------------------------------------------------------ */

static fsm_code is_free(const char *path, fsm_error *err) {
  struct stat info;
  if (lstat(path, &info) != 0 && errno == ENOENT) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, path,
                  "is there already; an export is never overwritten: name another file");
}

static fsm_code create(exporting *x, const char *path, fsm_error *err) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  x->file = fd < 0 ? NULL : fdopen(fd, "w");
  if (x->file == NULL) return fsm_fail(err, FSM_EARGUMENT, path, "cannot be made: %s", strerror(errno));
  return FSM_OK;
}

static fsm_code finish(exporting *x, const char *part, const char *path, fsm_error *err) {
  const bool whole = fflush(x->file) == 0 && fsync(fileno(x->file)) == 0;
  const bool closed = fclose(x->file) == 0;
  x->file = NULL;
  if (!whole || !closed) return broken(part, "written", err);
  return rename(part, path) == 0 ? FSM_OK : broken(path, "put in its place", err);
}

static fsm_code put_manifest(exporting *x, const fsm_value *manifest, fsm_error *err) {
  fsm_buf text = {0};
  const char *part = fsm_arena_printf(&x->cli->arena, "%s.part", x->manifest);
  if (part == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the manifest");
  fsm_json_write_pretty(&text, manifest);
  fsm_buf_char(&text, '\n');
  fsm_code code = fsm_buf_ok(&text) ? create(x, part, err) : fsm_fail(err, FSM_ENOMEM, "", "no memory");
  if (code == FSM_OK && fwrite(text.data, 1, text.len, x->file) != text.len)
    code = broken(part, "written", err);
  if (code == FSM_OK) code = finish(x, part, x->manifest, err);
  fsm_buf_free(&text);
  return code;
}

static void give_up(exporting *x) {
  if (x->file != NULL) (void)fclose(x->file);
  if (x->digest != NULL) (void)fsm__digest_end(x->digest);
  cli_export_free(x->export);
}

/* The rest of a document (xes), which the page by page way has not written. */
static fsm_code end_document(exporting *x, fsm_error *err) {
  const fsm_code code = cli_export_close(x->cli, x->export, err);
  return code == FSM_OK ? put_down(x, err) : code;
}

static void print(cli_run *cli, const fsm_value *document) {
  static const char *const names[] = {"file", "format", "records", "from",          "to",
                                      "seq",  "bytes",  "sha256",  "head.leaf_seq", "head.leaf"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const fsm_value *value = cli_member_at(document, names[i]);
    if (value != NULL)
      cli_print_line(cli, strncmp(names[i], "head.", 5) == 0 ? names[i] + 5 : names[i],
                     cli_text(&cli->arena, value));
  }
}

static fsm_code start(exporting *x, fsm_error *err) {
  cli_run *cli = x->cli;
  bool any = false;
  x->path = cli->args.words[0];
  x->part = fsm_arena_printf(&cli->arena, "%s.part", x->path);
  x->manifest = fsm_arena_printf(&cli->arena, "%s.manifest.json", x->path);
  x->digest = fsm__digest_new();
  if (x->part == NULL || x->manifest == NULL || x->digest == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the export");
  const char *format = cli_args_get(&cli->args, "format");
  x->format = format != NULL ? format : "json";
  x->pages.query.kind = FSM_QUERY_RECORDS;
  fsm_code code = cli_records_filter(cli, &x->pages.query.records, &any, err);
  if (code == FSM_OK) code = cli_export_new(x->format, &x->export, err);
  if (code == FSM_OK) cli_export_show(cli, x->export, &x->pages);
  if (code == FSM_OK) code = is_free(x->path, err);
  if (code == FSM_OK) code = is_free(x->manifest, err);
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  return code == FSM_OK ? create(x, x->part, err) : code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  exporting x = {.cli = cli};
  fsm_value manifest;
  fsm_code code = start(&x, err);
  const bool made = x.file != NULL;
  if (code == FSM_OK) code = walk(&x, err);
  if (code == FSM_OK) code = end_document(&x, err);
  if (code == FSM_OK) code = manifest_of(&x, &manifest, err);
  if (code == FSM_OK) code = finish(&x, x.part, x.path, err);
  if (code == FSM_OK) code = put_manifest(&x, &manifest, err);
  give_up(&x);
  if (made && code != FSM_OK) (void)unlink(x.part);
  fsm_buf_reset(&cli->text);
  return code == FSM_OK ? cli_show(cli, &manifest, print, err) : code;
}

static const cli_option options[] = {
    CLI_RECORDS_FILTER,
    {"format", 0, "FORMAT", "json (a line each), seed, ecs, otlp, cloudevents, csv, or xes; json", false},
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"audit export 2026-q1.jsonl --since 2026-01-01 --until 2026-04-01",
                                       "audit export claims.csv -m expense-claim --format csv", NULL};

extern const cli_command cli_audit_export;
const cli_command cli_audit_export = {
    .group = "audit",
    .heading = CLI_DATA,
    .name = "export",
    .words = "FILE",
    .summary = "records into a file, with a manifest that proves it",
    .more =
        "FILE.manifest.json has which records these are, the SHA-256 of FILE, and the head of the chain.\n"
        "Check the file with sha256sum, the log with audit verify. What machines mark is masked.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .formats = CLI_FORMATS_SHOW,
    .reads = true,
    .run = run};
