/* machine_word.c: see machine_word.h. */
#include "tools/cli/definition/machine_word.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli/input.h"

static bool names_file(const char *word) {
  return strcmp(word, "-") == 0 || strpbrk(word, "/.") != NULL || access(word, F_OK) == 0;
}

/* "loan" or "loan@3"; false = it is neither. */
static bool split(fsm_arena *arena, const char *word, const char **machine, uint32_t *version) {
  const char *at = strchr(word, '@');
  char *end = NULL;
  *version = 0;
  *machine = fsm_arena_strndup(arena, word, at == NULL ? strlen(word) : (size_t)(at - word));
  if (*machine == NULL || **machine == 0) return false;
  if (at == NULL) return true;
  if (at[1] < '1' || at[1] > '9') return false;
  const unsigned long number = strtoul(at + 1, &end, 10);
  *version = (uint32_t)number;
  return *end == 0 && number <= UINT32_MAX;
}

static fsm_code read_deployed(cli_run *cli, const char *word, cli_machine_word *out, fsm_error *err) {
  fsm_value document;
  fsm_query query = {.kind = FSM_QUERY_MACHINE};
  if (!split(&cli->arena, word, &query.machine, &query.version))
    return fsm_fail(err, FSM_EARGUMENT, word,
                    "neither a file nor MACHINE or MACHINE@VERSION; `fsm-cli def ls` lists "
                    "what is deployed");
  fsm_code code = cli->connecting ? FSM_OK : cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_source_query(&cli->source, &query, &cli->arena, &document, err);
  if (code != FSM_OK) return code;
  const fsm_value *source = fsm_map_get(&document, "source"), *version = fsm_map_get(&document, "version");
  const fsm_value *hash = fsm_map_get(&document, "hash");
  if (source == NULL || source->type != FSM_STRING || version == NULL)
    return fsm_fail(err, FSM_EMALFORMED, word, "the answer has no source");
  out->deployed = true;
  out->version = (uint32_t)version->i;
  out->hash = hash == NULL ? NULL : hash->s;
  out->name = fsm_arena_printf(&cli->arena, "%s@%u", query.machine, (unsigned)out->version);
  fsm_buf_add(&out->text, source->s, source->len);
  return out->name == NULL || !fsm_buf_ok(&out->text) ? fsm_fail(err, FSM_ENOMEM, "", "no memory") : FSM_OK;
}

static fsm_code read_file(cli_run *cli, const char *word, cli_machine_word *out, fsm_error *err) {
  out->name = strcmp(word, "-") == 0 ? "stdin" : cli_safe(&cli->arena, word);
  return cli_read(word, FSM_JSON_BYTES_MAX, &out->text, err);
}

fsm_code cli_machine_word_read(cli_run *cli, const char *word, cli_machine_word *out, fsm_error *err) {
  *out = (cli_machine_word){.name = word, .path = word};
  fsm_code code = names_file(word) ? read_file(cli, word, out, err) : read_deployed(cli, word, out, err);
  if (code != FSM_OK) fsm_buf_free(&out->text);
  return code;
}

fsm_code cli_machine_word_load(cli_machine_word *word, fsm_error *err) {
  return cli_machine_text_load(word->deployed ? word->name : word->path, fsm_buf_text(&word->text),
                               word->text.len, &word->file, err);
}

fsm_code cli_machine_word_open(cli_run *cli, const char *word, cli_machine_word *out, fsm_error *err) {
  fsm_code code = cli_machine_word_read(cli, word, out, err);
  if (code != FSM_OK) return code;
  code = cli_machine_word_load(out, err);
  if (code != FSM_OK) fsm_buf_free(&out->text);
  return code;
}

void cli_machine_word_close(cli_machine_word *word) {
  cli_machine_file_free(&word->file);
  fsm_buf_free(&word->text);
}
