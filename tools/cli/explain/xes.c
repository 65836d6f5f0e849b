/* xes.c: an event log for process mining. See xes.h. */
#include "tools/cli/explain/xes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct trace {
  char *id;
  fsm_buf text; /* its attributes and events */
  struct trace *next, *same;
} trace;

enum { BUCKETS = 4096 };

struct cli_xes {
  trace *buckets[BUCKETS]; /* by id */
  trace *first, **last;    /* as they came */
};

/* ---- text ----------------------------------------------------------------------------------------- */

/* Bytes of the character at text, and whether XML 1.0 has it. */
static size_t character(const char *text, size_t len, bool *good) {
  const unsigned char *u = (const unsigned char *)text;
  const size_t size = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
  *good = size <= len && (u[0] >= 0x20 || u[0] == '\t' || u[0] == '\n' || u[0] == '\r');
  if (*good && size == 3 && u[0] == 0xef && u[1] == 0xbf && u[2] >= 0xbe) *good = false; /* U+FFFE, U+FFFF */
  return size <= len ? size : len;
}

static void escape(fsm_buf *out, const char *text, size_t len) {
  for (size_t i = 0; i < len;) {
    bool good = true;
    const size_t size = character(text + i, len - i, &good);
    if (!good)
      fsm_buf_str(out, "\xef\xbf\xbd");
    else if (text[i] == '&')
      fsm_buf_str(out, "&amp;");
    else if (text[i] == '<')
      fsm_buf_str(out, "&lt;");
    else if (text[i] == '>')
      fsm_buf_str(out, "&gt;");
    else if (text[i] == '"')
      fsm_buf_str(out, "&quot;");
    else if (size == 1 && (unsigned char)text[i] < 0x20)
      fsm_buf_printf(out, "&#%d;", text[i]);
    else
      fsm_buf_add(out, text + i, size);
    i += size;
  }
}

static void attribute(fsm_buf *out, const char *indent, const char *type, const char *key,
                      const fsm_value *value) {
  if (value == NULL || (!fsm_is(value, FSM_STRING) && !fsm_is(value, FSM_INT))) return;
  fsm_buf_printf(out, "%s<%s key=\"%s\" value=\"", indent, type, key);
  if (fsm_is(value, FSM_INT))
    fsm_buf_printf(out, "%lld", (long long)value->i);
  else
    escape(out, value->s, value->len);
  fsm_buf_str(out, "\"/>\n");
}

/* A list of texts with commas between. */
static void attribute_list(fsm_buf *out, const char *indent, const char *key, const fsm_value *list) {
  if (list == NULL || !fsm_is(list, FSM_LIST) || list->len == 0) return;
  fsm_buf_printf(out, "%s<string key=\"%s\" value=\"", indent, key);
  for (uint32_t i = 0; i < list->len; i++) {
    if (i > 0) fsm_buf_str(out, ", ");
    if (fsm_is(&list->items[i], FSM_STRING)) escape(out, list->items[i].s, list->items[i].len);
  }
  fsm_buf_str(out, "\"/>\n");
}

/* ---- events --------------------------------------------------------------------------------------- */

/* The standard life cycle of XES; refusals are none of its steps. */
static const char *life_of(const fsm_value *record) {
  static const struct {
    const char *kind, *life;
  } table[] = {{"task_started", "start"},     {"task_failed", "ate_abort"}, {"paused", "suspend"},
               {"resumed", "resume"},         {"cancelled", "pi_abort"},    {"incident_opened", "suspend"},
               {"incident_closed", "resume"}, {"rejected", "unknown"},      {"note", "unknown"}};
  const fsm_value *kind = fsm_map_get(record, "kind");
  for (size_t i = 0; kind != NULL && i < sizeof table / sizeof *table; i++)
    if (fsm_is_text(kind, table[i].kind)) return table[i].life;
  return "complete";
}

static const fsm_value *who_of(const fsm_value *record) {
  const fsm_value *actor = fsm_map_get(record, "act");
  if (actor == NULL || !fsm_is(actor, FSM_MAP)) return NULL;
  const fsm_value *sub = fsm_map_get(actor, "sub");
  return sub != NULL ? sub : fsm_map_get(actor, "type");
}

static void event(fsm_buf *out, const fsm_value *record) {
  static const char in[] = "      ";
  const fsm_value *trigger = fsm_map_get(record, "trigger"), *kind = fsm_map_get(record, "kind"),
                  *seq = fsm_map_get(record, "seq");
  const fsm_value life = fsm_string(life_of(record));
  fsm_buf_str(out, "    <event>\n");
  attribute(out, in, "string", "concept:name", trigger != NULL ? trigger : kind);
  attribute(out, in, "date", "time:timestamp", fsm_map_get(record, "time"));
  attribute(out, in, "string", "lifecycle:transition", &life);
  attribute(out, in, "string", "org:resource", who_of(record));
  attribute(out, in, "string", "fsm:kind", kind);
  attribute(out, in, seq != NULL && fsm_is(seq, FSM_INT) ? "int" : "string", "fsm:seq", seq);
  attribute_list(out, in, "fsm:from", fsm_map_get(record, "from"));
  attribute_list(out, in, "fsm:to", fsm_map_get(record, "to"));
  attribute(out, in, "string", "fsm:outcome", fsm_map_get(record, "outcome"));
  attribute(out, in, "string", "fsm:reason", fsm_map_get(record, "reason"));
  attribute(out, in, "string", "fsm:correlation", fsm_map_get(record, "corr"));
  fsm_buf_str(out, "    </event>\n");
}

/* ---- traces --------------------------------------------------------------------------------------- */

static unsigned bucket_of(const char *id) {
  unsigned hash = 2166136261u;
  for (; *id != 0; id++) hash = (hash ^ (unsigned char)*id) * 16777619u;
  return hash % BUCKETS;
}

static trace *trace_of(cli_xes *xes, const char *id, const fsm_value *record) {
  trace **at = &xes->buckets[bucket_of(id)];
  for (; *at != NULL; at = &(*at)->same)
    if (strcmp((*at)->id, id) == 0) return *at;
  trace *t = calloc(1, sizeof *t);
  if (t == NULL || (t->id = strdup(id)) == NULL) {
    free(t);
    return NULL;
  }
  *at = t;
  *xes->last = t;
  xes->last = &t->next;
  attribute(&t->text, "    ", "string", "concept:name", fsm_map_get(record, "inst"));
  attribute(&t->text, "    ", "string", "fsm:machine", fsm_map_get(record, "mach"));
  attribute(&t->text, "    ", "string", "fsm:key", fsm_map_get(record, "key"));
  return t;
}

bool cli_xes_add(cli_xes *xes, fsm_arena *arena, const fsm_value *record) {
  const fsm_value *inst = fsm_map_get(record, "inst");
  if (inst == NULL || !fsm_is(inst, FSM_STRING)) return true;
  const char *id = fsm_arena_strndup(arena, inst->s, inst->len);
  trace *t = id != NULL ? trace_of(xes, id, record) : NULL;
  if (t == NULL) return false;
  event(&t->text, record);
  return fsm_buf_ok(&t->text);
}

void cli_xes_write(cli_xes *xes, fsm_buf *out) {
  fsm_buf_str(out,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<log xes.version=\"1.0\" xes.features=\"\" xmlns=\"http://www.xes-standard.org/\">\n"
              "  <extension name=\"Concept\" prefix=\"concept\" "
              "uri=\"http://www.xes-standard.org/concept.xesext\"/>\n"
              "  <extension name=\"Time\" prefix=\"time\" uri=\"http://www.xes-standard.org/time.xesext\"/>\n"
              "  <extension name=\"Lifecycle\" prefix=\"lifecycle\" "
              "uri=\"http://www.xes-standard.org/lifecycle.xesext\"/>\n"
              "  <extension name=\"Organizational\" prefix=\"org\" "
              "uri=\"http://www.xes-standard.org/org.xesext\"/>\n"
              "  <global scope=\"trace\">\n"
              "    <string key=\"concept:name\" value=\"\"/>\n"
              "  </global>\n"
              "  <global scope=\"event\">\n"
              "    <string key=\"concept:name\" value=\"\"/>\n"
              "    <date key=\"time:timestamp\" value=\"1970-01-01T00:00:00Z\"/>\n"
              "    <string key=\"lifecycle:transition\" value=\"complete\"/>\n"
              "  </global>\n"
              "  <classifier name=\"Activity\" keys=\"concept:name lifecycle:transition\"/>\n"
              "  <string key=\"lifecycle:model\" value=\"standard\"/>\n");
  for (trace *t = xes->first; t != NULL; t = t->next)
    fsm_buf_printf(out, "  <trace>\n%s  </trace>\n", fsm_buf_text(&t->text));
  fsm_buf_str(out, "</log>\n");
}

cli_xes *cli_xes_new(void) {
  cli_xes *xes = calloc(1, sizeof *xes);
  if (xes != NULL) xes->last = &xes->first;
  return xes;
}

void cli_xes_free(cli_xes *xes) {
  for (trace *t = xes != NULL ? xes->first : NULL, *next; t != NULL; t = next) {
    next = t->next;
    fsm_buf_free(&t->text);
    free(t->id);
    free(t);
  }
  free(xes);
}
