/* admit.c: one table of text fields, then the values. See admit.h. */
#include "runtime/admit.h"

#include <string.h>

#include "runtime/hash.h"
#include "schema/definition.h"
#include "schema/pack.h"

typedef enum charset { PRINTABLE_ASCII, PRINTABLE_UTF8, INSTANCE_ID, MACHINE_ID } charset;

static bool in_charset(unsigned char c, charset set) {
  bool word =
      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  switch (set) {
    case MACHINE_ID: return word;
    case INSTANCE_ID: return word || c == '.' || c == ':';
    case PRINTABLE_ASCII: return c >= 0x20 && c < 0x7f;
    case PRINTABLE_UTF8: return c >= 0x20 && c != 0x7f;
  }
  return false;
}

static const char *const charset_text[] = {"printable ASCII", "printable UTF-8", "[A-Za-z0-9._:-]",
                                           "[A-Za-z0-9_-]"};

static bool valid_utf8(const char *text) {
  fsm_buf buf = {0};
  fsm_value value = fsm_string(text);
  bool good = fsm_pack(&buf, &value, NULL) == FSM_OK;
  fsm_buf_free(&buf);
  return good;
}

/* Copies *text (NULL stays NULL) after checking 1..max bytes of the set. */
static fsm_code text_field(fsm_arena *arena, const char **text, const char *field, size_t max, charset set,
                           fsm_error *err) {
  if (*text == NULL) return FSM_OK;
  size_t len = strnlen(*text, max + 1);
  if (len == 0) return fsm_fail(err, FSM_EARGUMENT, field, "%s is empty", field);
  if (len > max) return fsm_fail(err, FSM_ETOOLARGE, field, "%s is over %zu bytes", field, max);
  for (size_t i = 0; i < len; i++)
    if (!in_charset((unsigned char)(*text)[i], set))
      return fsm_fail(err, FSM_EARGUMENT, field, "%s has a byte outside %s at %zu", field, charset_text[set],
                      i);
  if (set == PRINTABLE_UTF8 && !valid_utf8(*text))
    return fsm_fail(err, FSM_EARGUMENT, field, "%s is not UTF-8", field);
  *text = fsm_arena_strndup(arena, *text, len);
  return *text != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a command");
}

static fsm_code pack_within(const fsm_value *value, const char *field, size_t max, fsm_error *err) {
  fsm_buf buf = {0};
  fsm_code code = fsm_pack(&buf, value, err);
  if (code == FSM_OK && !fsm_buf_ok(&buf)) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for a command");
  if (code == FSM_OK && buf.len > max)
    code = fsm_fail(err, FSM_ETOOLARGE, field, "%s is over %zu bytes", field, max);
  fsm_buf_free(&buf);
  return code;
}

static fsm_code value_field(fsm_arena *arena, fsm_value *value, const char *field, size_t max,
                            fsm_error *err) {
  if (fsm_is(value, FSM_NULL)) return FSM_OK;
  fsm_error inner = {.text = ""}; /* copying and packing know places in the value, not whose it is */
  if (fsm_value_depth(value) > FSM_DATA_DEPTH_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, field, "%s is nested more than %d levels deep", field,
                    FSM_DATA_DEPTH_MAX);
  fsm_code code = fsm_value_copy(arena, value, value, &inner);
  if (code == FSM_OK) code = pack_within(value, field, max, &inner);
  return code == FSM_OK ? FSM_OK : fsm_fail(err, code, field, "%s", inner.text);
}

/* What the record's fields can hold; more than that is not asked of them. */
static fsm_code shapes(const fsm_command *c, fsm_error *err) {
  if (!fsm_is(&c->actor, FSM_NULL) && !fsm_is(&c->actor, FSM_MAP))
    return fsm_fail(err, FSM_EARGUMENT, "actor", "actor is not a map");
  if (fsm_is(&c->trace, FSM_NULL)) return FSM_OK;
  const fsm_value *at = c->trace.items;
  if (!fsm_is(&c->trace, FSM_LIST) || c->trace.len != 3 || !fsm_is(&at[0], FSM_BYTES) || at[0].len != 16 ||
      !fsm_is(&at[1], FSM_BYTES) || at[1].len != 8 || !fsm_is(&at[2], FSM_INT))
    return fsm_fail(err, FSM_EARGUMENT, "trace",
                    "trace is not a list of an id of 16 bytes, a span of 8 bytes and flags");
  return FSM_OK;
}

static fsm_code labels(const fsm_value *value, fsm_error *err) {
  if (fsm_is(value, FSM_NULL)) return FSM_OK;
  if (!fsm_is(value, FSM_MAP))
    return fsm_fail(err, FSM_EARGUMENT, "labels", "labels is not a map of text to text");
  if (value->len > FSM_LABELS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "labels", "there are over %d labels", FSM_LABELS_MAX);
  for (unsigned i = 0; i < value->len; i++) {
    const fsm_pair *label = &value->pairs[i];
    if (!fsm_is(&label->key, FSM_STRING) || !fsm_is(&label->value, FSM_STRING))
      return fsm_fail(err, FSM_EARGUMENT, "labels", "labels is not a map of text to text");
    if (label->key.len == 0 || label->key.len > FSM_LABEL_BYTES_MAX || label->value.len > FSM_LABEL_BYTES_MAX)
      return fsm_fail(err, FSM_ETOOLARGE, "labels",
                      "a label's name or value is over %d bytes or the name is empty", FSM_LABEL_BYTES_MAX);
  }
  return FSM_OK;
}

static fsm_code require(bool given, const char *field, fsm_error *err) {
  return given ? FSM_OK : fsm_fail(err, FSM_EARGUMENT, field, "%s is missing", field);
}

/* A command that may make the instance with its key. */
static fsm_code if_absent(const fsm_command *c, fsm_error *err) {
  if (c->kind != FSM_CMD_SEND && !fsm_is(&c->input, FSM_NULL))
    return fsm_fail(err, FSM_EARGUMENT, "input", "input is for a send with if_absent; a start's is its data");
  if (!c->if_absent) return fsm_is(&c->input, FSM_NULL) ? FSM_OK : require(false, "if_absent", err);
  if (c->kind != FSM_CMD_START && c->kind != FSM_CMD_SEND)
    return fsm_fail(err, FSM_EARGUMENT, "if_absent", "only a start or a send may make an instance");
  return require(c->key != NULL, "key", err);
}

static fsm_code dry_run(const fsm_command *c, fsm_error *err) {
  switch (c->kind) {
    case FSM_CMD_TASK_STARTED:
    case FSM_CMD_TASK_UNDELIVERED:
    case FSM_CMD_TASK_HEARTBEAT:
    case FSM_CMD_REFUSED:
    case FSM_CMD_SINK_NOTE:
      return c->dry_run ? fsm_fail(err, FSM_EARGUMENT, "dry_run", "this command has no dry run") : FSM_OK;
    default: return FSM_OK;
  }
}

/* What a repeated command is known by, for the kinds that keep it. */
static fsm_code idem(const fsm_command *c, fsm_error *err) {
  if (c->idem == NULL || c->kind == FSM_CMD_START || c->kind == FSM_CMD_SEND ||
      (c->kind >= FSM_CMD_ADMIN_FIRST && c->kind <= FSM_CMD_ADMIN_LAST))
    return FSM_OK;
  return fsm_fail(
      err, FSM_EARGUMENT, "idem", "%s",
      c->kind == FSM_CMD_DEPLOY ? "a deployment is known by its content; it takes no key"
      : fsm__command_of_store(c->kind)
          ? "a route is known by its document, a retirement by its machine, a note is none to repeat; "
            "they take no key"
          : "an answer is known by its token; it takes no key");
}

/* An instance, or a machine and a key. */
static fsm_code one_instance(const fsm_command *c, fsm_error *err) {
  if (c->if_absent) return require(c->machine != NULL, "machine", err);
  if (c->instance != NULL && c->key != NULL)
    return fsm_fail(err, FSM_EARGUMENT, "instance", "give an instance or a machine and key, not both");
  return require(c->instance != NULL || (c->machine != NULL && c->key != NULL), "instance", err);
}

/* Who, of what, and why. */
static fsm_code admin(const fsm_command *c, fsm_error *err) {
  fsm_code code = one_instance(c, err);
  if (code == FSM_OK) code = require(fsm_is(&c->actor, FSM_MAP), "actor", err);
  if (code == FSM_OK) code = require(c->reason != NULL && c->reason[0] != '\0', "reason", err);
  if (code == FSM_OK && c->kind == FSM_CMD_FORCE) code = require(fsm_is(&c->states, FSM_LIST), "states", err);
  if (code == FSM_OK && c->kind == FSM_CMD_SET) code = require(fsm_is(&c->data, FSM_MAP), "data", err);
  return code;
}

/* What each kind cannot do without. */
static fsm_code required(const fsm_command *c, fsm_error *err) {
  switch (c->kind) {
    case FSM_CMD_DEPLOY: return require(c->source != NULL, "source", err);
    case FSM_CMD_START: return require(c->machine != NULL, "machine", err);
    case FSM_CMD_SEND:
      if (c->event == NULL) return require(false, "event", err);
      return one_instance(c, err);
    case FSM_CMD_PURGE: return fsm_fail(err, FSM_EARGUMENT, "kind", "this command is the runtime's own");
    default: return c->kind >= FSM_CMD_ADMIN_FIRST && c->kind <= FSM_CMD_ADMIN_LAST ? admin(c, err) : FSM_OK;
  }
}

/* A new instance, whose id is made when it is not given. */
static bool may_make(const fsm_command *c) {
  return c->kind == FSM_CMD_START || (c->kind == FSM_CMD_SEND && c->if_absent);
}

static fsm_code made_ids(fsm_command *out, int64_t now_ns, fsm_arena *arena, fsm_error *err) {
  char uuid[37];
  fsm_code code = FSM_OK;
  if (may_make(out) && out->instance == NULL) {
    code = fsm__uuid7(now_ns, uuid, err);
    if (code == FSM_OK) out->instance = fsm_arena_strdup(arena, uuid);
  }
  if (code == FSM_OK && out->correlation == NULL) {
    code = fsm__uuid7(now_ns, uuid, err);
    if (code == FSM_OK) out->correlation = fsm_arena_strdup(arena, uuid);
  }
  return code;
}

static fsm_code texts(fsm_command *out, fsm_arena *arena, fsm_error *err) {
  const struct {
    const char **text;
    const char *field;
    size_t max;
    charset set;
  } fields[] = {
      {&out->machine, "machine", FSM_MACHINE_ID_MAX, MACHINE_ID},
      {&out->instance, "id", FSM_INSTANCE_ID_MAX, INSTANCE_ID},
      {&out->key, "key", FSM_KEY_MAX, PRINTABLE_UTF8},
      {&out->event, "event", FSM_EVENT_NAME_MAX, PRINTABLE_UTF8},
      {&out->idem, "idem", FSM_IDEM_MAX, PRINTABLE_ASCII},
      {&out->correlation, "correlation", FSM_CORRELATION_MAX, PRINTABLE_ASCII},
      {&out->causation, "causation", FSM_CORRELATION_MAX, PRINTABLE_ASCII},
      {&out->request, "request", FSM_CORRELATION_MAX, PRINTABLE_ASCII},
      {&out->tracestate, "tracestate", FSM_TRACESTATE_MAX, PRINTABLE_ASCII},
      {&out->name, "name", FSM_TIMER_ID_MAX, PRINTABLE_UTF8},
      {&out->reason, "reason", FSM_REASON_MAX, PRINTABLE_UTF8},
  };
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    fsm_code code = text_field(arena, fields[i].text, fields[i].field, fields[i].max, fields[i].set, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

fsm_command fsm_command_new(fsm_command_kind kind) { return (fsm_command){.kind = kind, .expect_rev = -1}; }

enum { ACTOR_BYTES_MAX = 8 * 1024, LABELS_BYTES_MAX = 4 * 1024, TRACE_BYTES_MAX = 64 };

fsm_code fsm__admit(const fsm_command *command, int64_t now_ns, fsm_arena *arena, fsm_command *out,
                    bool *made_id, fsm_error *err) {
  *out = *command;
  *made_id = may_make(command) && command->instance == NULL;
  fsm_code code = required(out, err);
  if (code == FSM_OK) code = if_absent(out, err);
  if (code == FSM_OK) code = idem(out, err);
  if (code == FSM_OK) code = dry_run(out, err);
  if (code == FSM_OK) code = texts(out, arena, err);
  if (code == FSM_OK) code = labels(&out->labels, err);
  if (code == FSM_OK) code = shapes(out, err);
  if (code == FSM_OK) code = value_field(arena, &out->labels, "labels", LABELS_BYTES_MAX, err);
  if (code == FSM_OK) code = value_field(arena, &out->actor, "actor", ACTOR_BYTES_MAX, err);
  if (code == FSM_OK) code = value_field(arena, &out->trace, "trace", TRACE_BYTES_MAX, err);
  if (code == FSM_OK) code = value_field(arena, &out->data, "data", FSM_EVENT_BYTES_MAX, err);
  if (code == FSM_OK) code = value_field(arena, &out->input, "input", FSM_EVENT_BYTES_MAX, err);
  if (code == FSM_OK) code = value_field(arena, &out->states, "states", FSM_EVENT_BYTES_MAX, err);
  if (code == FSM_OK && fsm__command_of_store(out->kind)) code = fsm__admit_store(out, err);
  if (code != FSM_OK) return code;
  if (out->source != NULL) {
    if (out->source_len > FSM_DEFINITION_BYTES_MAX)
      return fsm_fail(err, FSM_ETOOLARGE, "source", "a definition is over %d bytes",
                      FSM_DEFINITION_BYTES_MAX);
    out->source = fsm_arena_strndup(arena, out->source, out->source_len);
    if (out->source == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a definition");
  }
  return made_ids(out, now_ns, arena, err);
}

fsm_code fsm__admit_query(const fsm_query *query, fsm_arena *arena, fsm_query *out, fsm_error *err) {
  *out = *query;
  const char **texts_of[] = {&out->ref,   &out->machine,     &out->state,  &out->status,  &out->key,
                             &out->after, &out->correlation, &out->user,   &out->service, &out->since,
                             &out->until, &out->as_of,       &out->before, &out->text,    &out->with,
                             &out->by,    &out->sum};
  for (size_t i = 0; i < sizeof texts_of / sizeof texts_of[0]; i++) {
    if (*texts_of[i] == NULL) continue;
    *texts_of[i] = fsm_arena_strdup(arena, *texts_of[i]);
    if (*texts_of[i] == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a query");
  }
  fsm_code code = fsm_value_copy(arena, &query->route, &out->route, err);
  if (code == FSM_OK) code = fsm_value_copy(arena, &query->records, &out->records, err);
  if (code == FSM_OK) code = value_field(arena, &out->actor, "actor", ACTOR_BYTES_MAX, err);
  if (code != FSM_OK) return code;
  if (out->limit == 0) out->limit = FSM_PAGE_DEFAULT;
  if (out->limit > FSM_PAGE_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "limit", "a page has at most %d items", FSM_PAGE_MAX);
  return FSM_OK;
}
