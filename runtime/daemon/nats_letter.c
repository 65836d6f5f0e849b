/* nats_letter.c: a message as the library gives it, copied, with the headers that are looked at. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fsm/expr_time_text.h"
#include "runtime/daemon/body.h"
#include "runtime/daemon/http.h"
#include "runtime/daemon/nats_impl.h"
#include "schema/json.h"

typedef struct reading {
  fsm_arena *arena;
  fsm__letter *letter;
  bool nomem;
} reading;

/* What HTTP needs for itself, or what changes the form of an answer. */
static bool is_of_http(fsm__header header) {
  switch (header) {
    case FSM__CONTENT_LENGTH:
    case FSM__TRANSFER_ENCODING:
    case FSM__ACCEPT:
    case FSM__LAST_EVENT_ID:
    case FSM__HOST:
    case FSM__EXPECT:
    case FSM__ORIGIN:
    case FSM__REQUEST_METHOD:
    case FSM__ACCEPT_ENCODING: return true;
    default: return false;
  }
}

static bool is_value(const char *text) {
  for (; *text; text++)
    if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f) return false;
  return true;
}

static const char **place_of(fsm__letter *letter, const char *name, const char **known) {
  const struct {
    const char *name;
    const char **place;
  } own[] = {{"Fsm-Deadline", &letter->deadline},
             {"Fsm-Timeout", &letter->timeout},
             {"Fsm-Reply-To", &letter->reply_to},
             {"Nats-Msg-Id", &letter->id}};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (strcasecmp(name, own[i].name) == 0) return *known = own[i].name, own[i].place;
  for (int i = 0; i < FSM__HEADER_COUNT; i++)
    if (!is_of_http((fsm__header)i) && strcasecmp(name, fsm__header_name((fsm__header)i)) == 0)
      return *known = fsm__header_name((fsm__header)i), &letter->headers[i];
  return NULL;
}

/* The library takes the line behind an empty header for its value: that would be a token where an id is
 * meant. */
static bool is_swallowed(fsm__letter *letter, const char *value) {
  char name[64];
  const char *known = NULL;
  const size_t len = strcspn(value, ":");
  if (!value[len] || len >= sizeof name) return false;
  memcpy(name, value, len);
  name[len] = 0;
  return place_of(letter, name, &known) != NULL;
}

static void on_header(void *arg, const char *name, const char *value) {
  reading *r = arg;
  fsm__letter *letter = r->letter;
  const char *known = NULL;
  letter->count++;
  letter->bytes += strlen(name) + strlen(value) + 4;
  if (is_swallowed(letter, value)) letter->wrong = "a header is empty";
  const char **place = place_of(letter, name, &known);
  if (!place || letter->count > FSM__FIELDS_MAX || letter->bytes > FSM__HEAD_MAX) return;
  if (*place) letter->repeated = known;
  if (!is_value(value)) letter->wrong = "a header has control characters";
  if (!*place && !(*place = fsm_arena_strdup(r->arena, value))) r->nomem = true;
}

bool fsm__letter_read(fsm_arena *arena, const fsm__bus_message *message, int64_t now_ns, fsm__letter *out) {
  reading r = {.arena = arena, .letter = out};
  const char *dot = strrchr(message->subject, '.');
  *out = (fsm__letter){.ask = fsm__ask_find(dot ? dot + 1 : message->subject), .received_ns = now_ns};
  if (!fsm__bus_message_headers(message, on_header, &r)) out->wrong = "the headers cannot be read";
  if (out->count > FSM__FIELDS_MAX) out->wrong = "there are more than 64 headers";
  if (out->bytes > FSM__HEAD_MAX) out->wrong = "the headers are longer than 16384 bytes";
  out->too_large = message->len > FSM__BODY_MAX;
  if (!out->too_large && message->len > 0) fsm_buf_add(&out->body, message->data, message->len);
  if (message->reply && !(out->reply = fsm_arena_strdup(arena, message->reply))) r.nomem = true;
  return !r.nomem && (out->body.len > 0 || message->len == 0 || out->too_large);
}

void fsm__letter_ask(fsm_arena *arena, bool queued, fsm__letter *letter) {
  if (letter->ask != FSM__ASK_UNKNOWN)
    fsm__ask_read(letter->ask, queued, arena, letter->too_large ? NULL : &letter->body, &letter->asked);
}

size_t fsm__letter_weight(const fsm__letter *letter) {
  return letter->body.len + fsm__body_weight(&letter->body);
}

static bool begins(const char *subject, const char *prefix, const char *below) {
  const size_t len = strlen(prefix);
  return strncmp(subject, prefix, len) == 0 && strncmp(subject + len, below, strlen(below)) == 0;
}

bool fsm__letter_may_reply(const char *prefix, const char *subject) {
  static const char *const ours[] = {".cmd.", ".queue.", ".evt.", ".task."};
  if (*subject == 0 || *subject == '$' || strlen(subject) >= FSM_BUS_SUBJECT_MAX) return false;
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (begins(subject, prefix, ours[i])) return false;
  return true;
}

/* Whoever may write into the queue makes us speak there: not everywhere. */
bool fsm__letter_may_reply_to(const char *prefix, const char *subject) {
  const size_t len = strlen(subject);
  if (len >= 256 || (!begins(subject, "_INBOX", ".") && !begins(subject, prefix, ".answer."))) return false;
  for (size_t i = 0; i < len; i++)
    if (subject[i] <= ' ' || subject[i] > '~' || subject[i] == '*' || subject[i] == '>' ||
        (subject[i] == '.' && (subject[i + 1] == '.' || subject[i + 1] == 0)))
      return false;
  return true;
}

fsm_code fsm__letter_deadline(const fsm__letter *letter, int64_t *out, fsm_error *err) {
  *out = INT64_MAX;
  if (letter->deadline) {
    fsm_value at;
    const char *why = fsm__timestamp_parse(letter->deadline, strlen(letter->deadline), &at);
    if (why)
      return fsm_fail(err, FSM_EARGUMENT, "Fsm-Deadline", "it is a time as in 2026-11-22T10:00:00Z: %s", why);
    int64_t ns = 0;
    if (!__builtin_mul_overflow(at.i, INT64_C(1000000000), &ns) && ns < INT64_MAX - 1000000000)
      *out = ns + (int64_t)at.len;
    else if (at.i < 0)
      *out = 0;
  }
  if (letter->timeout) {
    fsm_error why = {0};
    int64_t ns = 0, until = INT64_MAX;
    if (fsm_duration_parse(letter->timeout, &ns, &why) != FSM_OK || ns < 0)
      return fsm_fail(err, FSM_EARGUMENT, "Fsm-Timeout", "it is a duration, as in 5s: %s", why.text);
    if (!__builtin_add_overflow(letter->received_ns, ns, &until) && until < *out) *out = until;
  }
  return FSM_OK;
}
