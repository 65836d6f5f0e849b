/* sink_config_compile.c: what is written in a sink's description in a language of its own (where, lift,
 * columns) is made as the sink will make it, and thrown away: what is wrong is told where it is written,
 * before anything changes. */
#include <stdio.h>
#include <string.h>

#include "runtime/routing.h"
#include "runtime/sink_config_impl.h"

static fsm_code compile_where(const fsm__sink_config *config, const fsm__pointer *at, fsm_error *err) {
  const fsm__where *where = NULL;
  fsm_error fault;
  fsm_arena arena;
  if (config->where == NULL) return FSM_OK;
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm__where_read(&arena, config->where, strlen(config->where), &where, &fault);
  fsm_arena_free(&arena);
  if (code == FSM_OK) return FSM_OK;
  return fsm__sink_fault(at, "where", code, err, "%s%s%.400s", fault.where,
                         fault.where[0] != '\0' ? ": " : "", fault.text);
}

/* "lift[2]" → "…/lift/2" */
static fsm_code at_option(const fsm_error *fault, const fsm__pointer *at, fsm_error *err) {
  char member[32];
  unsigned index = 0;
  fsm__pointer where = *at;
  size_t len = strcspn(fault->where, "[");
  snprintf(member, sizeof member, "%.*s", (int)len, fault->where);
  if (sscanf(fault->where + len, "[%u]", &index) != 1)
    return fsm__sink_fault(at, member, fault->code, err, "%s", fault->text);
  fsm__pointer_key(&where, member, strlen(member));
  fsm__pointer_index(&where, index);
  return fsm__sink_fault(&where, NULL, fault->code, err, "%s", fault->text);
}

fsm_code fsm__sink_compile(const fsm__sink_config *config, const fsm__pointer *at, fsm_error *err) {
  fsm__formatter *formatter = NULL;
  fsm_error fault;
  fsm_code code = compile_where(config, at, err);
  if (code != FSM_OK) return code;
  code = fsm__formatter_new(&config->format, &formatter, &fault);
  fsm__formatter_free(formatter);
  return code == FSM_OK ? FSM_OK : at_option(&fault, at, err);
}
