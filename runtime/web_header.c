/* web_header.c: see web_header.h. */
#include "runtime/web_header.h"

#include <string.h>
#include <strings.h>

static bool is_token(const char *name) {
  if (*name == '\0') return false;
  for (; *name != '\0'; name++)
    if ((unsigned char)*name > 0x7e || *name <= ' ' || strchr("()<>@,;:\\\"/[]?={}", *name) != NULL)
      return false;
  return true;
}

static bool frames(const char *name) {
  static const char *const names[] = {"Host",       "Content-Length", "Transfer-Encoding",
                                      "Connection", "Upgrade",        "Proxy-Authorization",
                                      "TE",         "Trailer"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcasecmp(names[i], name) == 0) return true;
  return false;
}

bool fsm__web_header_name(const char *name) { return is_token(name) && !frames(name); }

fsm_code fsm__web_header_read(fsm_arena *arena, const char *place, const char *line, fsm_web_header *out,
                              fsm_error *err) {
  FSM_ASSERT(arena != NULL && line != NULL && out != NULL);
  const char *colon = strchr(line, ':');
  if (colon == NULL) return fsm_fail(err, FSM_EARGUMENT, place, "\"Name: value\" is expected");
  const char *at = colon + 1 + strspn(colon + 1, " \t");
  size_t len = strlen(at);
  while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) len--;
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f)
      return fsm_fail(err, FSM_EARGUMENT, place, "there are control characters in it");
  if (len > FSM_WEB_VALUE_MAX)
    return fsm_fail(err, FSM_EARGUMENT, place, "the value of a header has at most %d bytes",
                    FSM_WEB_VALUE_MAX);
  const char *name = fsm_arena_strndup(arena, line, (size_t)(colon - line));
  const char *value = fsm_arena_strndup(arena, at, len);
  if (name == NULL || value == NULL) return fsm_fail(err, FSM_ENOMEM, place, "no memory for a header");
  if (!fsm__web_header_name(name))
    return fsm_fail(err, FSM_EARGUMENT, place, "no header has this name, or it is not for others to set");
  *out = (fsm_web_header){name, value};
  return FSM_OK;
}
