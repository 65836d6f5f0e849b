/* sink_http.c: the kind `http`: a webhook, or the bulk interface of Elasticsearch and OpenSearch. */
#include <stdlib.h>

#include "runtime/sink_http_impl.h"

static fsm_code gather(fsm__sink_web *s, const fsm__exported *out, fsm__web_item *item, fsm_error *err) {
  fsm_code code = fsm__format(s->formatter, out, &s->scratch, &s->text, err);
  item->len = s->text.len - item->at;
  return code;
}

fsm_code fsm__sink_http_make(const fsm__sink_config *config, const fsm__sink_env *env, fsm__sink **out,
                             fsm_error *err) {
  FSM_ASSERT(config != NULL && env != NULL && out != NULL);
  fsm__sink_web *s = calloc(1, sizeof *s);
  if (s == NULL) return fsm_fail(err, FSM_ENOMEM, config->name, "no memory for a sink");
  s->gather = gather;
  fsm_code code = fsm__sink_web_open(s, config, env, err);
  if (code == FSM_OK) code = config->bulk ? fsm__sink_bulk(s, err) : fsm__sink_webhook(s, err);
  if (code == FSM_OK)
    *out = &s->sink;
  else
    fsm__sink_web_close(s);
  return code;
}
