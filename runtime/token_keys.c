/* token_keys.c: sets of keys: from a secret, from a file that names several, and one in place of another.
 *
 * Invariant: in a set each key has a kid of its own, or is alone; what it has still taken over of an older
 * set (retired) stands behind, the newest first. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/expr_time_text.h"
#include "runtime/token_impl.h"
#include "schema/json.h"

static fsm_code set_new(fsm_token_keys **out, fsm_error *err) {
  *out = calloc(1, sizeof **out);
  return *out ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "keys", "no memory for the keys");
}

void fsm_token_keys_free(fsm_token_keys *keys) {
  if (!keys) return;
  for (size_t i = 0; i < keys->count; i++) fsm__token_key_wipe(&keys->at[i]);
  free(keys);
}

size_t fsm_token_keys_count(const fsm_token_keys *keys) { return keys->count; }
void fsm_token_keys_names(const fsm_token_keys *keys, fsm_buf *out) {
  for (size_t i = 0; i < keys->count; i++) {
    const fsm__token_key *key = &keys->at[i];
    fsm_buf_printf(out, "%s%s%s%s", i > 0 ? " " : "", fsm_token_alg_name(key->alg), *key->kid ? ":" : "",
                   key->kid);
  }
}

size_t fsm_token_keys_skipped(const fsm_token_keys *keys) { return keys->skipped; }

static fsm__token_key key_of(fsm_token_alg alg) {
  return (fsm__token_key){.alg = alg, .admin = true, .until_ns = INT64_MAX};
}

/* ---- a single secret ------------------------------------------------------------------------------ */

/* Takes the key. */
static fsm_code set_of_one(fsm__token_key *key, fsm_code code, fsm_token_keys **out, fsm_error *err) {
  if (code == FSM_OK) code = set_new(out, err);
  if (code != FSM_OK) {
    fsm__token_key_wipe(key);
    return code;
  }
  key->lone = true;
  (*out)->at[(*out)->count++] = *key;
  return FSM_OK;
}

fsm_code fsm_token_keys_secret(fsm_token_alg alg, const void *bytes, size_t len, fsm_token_keys **out,
                               fsm_error *err) {
  fsm__token_key key = key_of(alg);
  return set_of_one(&key, fsm__token_key_secret(&key, bytes, len, err), out, err);
}

fsm_code fsm_token_keys_load_secret(const char *path, fsm_token_keys **out, fsm_error *err) {
  fsm__token_key key = key_of(FSM_TOKEN_HS256);
  return set_of_one(&key, fsm__token_key_load(&key, NULL, path, err), out, err);
}

/* ---- a file of keys ------------------------------------------------------------------------------- */

typedef struct loading {
  fsm_arena *arena;
  fsm_token_keys *keys;
  const char *base; /* directory that relative paths are of */
  const char *file; /* being read */
  uint32_t at;      /* of its keys */
  fsm_error *err;
} loading;

static fsm_code fault(const loading *l, const char *member, const char *format, ...) FSM_PRINTF(3, 4);
static fsm_code fault(const loading *l, const char *member, const char *format, ...) {
  char text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return fsm_fail(l->err, FSM_EARGUMENT, l->file, "/keys/%u%s%s: %.300s", l->at, *member ? "/" : "", member,
                  text);
}

static fsm_code read_text(const loading *l, const fsm_value *entry, const char *name, size_t max, char *out) {
  const fsm_value *value = fsm_map_get(entry, name);
  if (!value) return FSM_OK;
  if (!fsm_is(value, FSM_STRING) || !fsm__token_printable(value->s, value->len, max))
    return fault(l, name, "it is not a text of 1 to %zu printable bytes", max);
  memcpy(out, value->s, value->len);
  out[value->len] = 0;
  return FSM_OK;
}

static fsm_code read_audiences(const loading *l, const fsm_value *entry, fsm__token_key *key) {
  enum { MOST = 16 };
  const fsm_value *aud = fsm_map_get(entry, "aud");
  if (!aud) return FSM_OK;
  const fsm_value list = fsm_is(aud, FSM_LIST) ? *aud : fsm_list(aud, 1);
  if (list.len == 0 || list.len > MOST) return fault(l, "aud", "it is a text or a list of 1 to %d", MOST);
  key->aud = calloc(list.len, sizeof *key->aud);
  for (uint32_t i = 0; key->aud && i < list.len; i++) {
    const fsm_value *name = &list.items[i];
    if (!fsm_is(name, FSM_STRING) || !fsm__token_printable(name->s, name->len, FSM_TOKEN_ISS_MAX))
      return fault(l, "aud", "an audience is a text of 1 to %d printable bytes", FSM_TOKEN_ISS_MAX);
    key->aud[i] = strndup(name->s, name->len);
    if (!key->aud[i]) break;
    key->aud_count++;
  }
  return key->aud_count == list.len ? FSM_OK
                                    : fsm_fail(l->err, FSM_ENOMEM, l->file, "no memory for the keys");
}

static fsm_code read_until(const loading *l, const fsm_value *entry, fsm__token_key *key) {
  const fsm_value *until = fsm_map_get(entry, "until");
  fsm_value time;
  if (!until) return FSM_OK;
  if (!fsm_is(until, FSM_STRING) || fsm__timestamp_parse(until->s, until->len, &time) != NULL)
    return fault(l, "until", "it is not a time as in RFC 3339, such as 2027-01-31T00:00:00Z");
  if (time.i < 0 || time.i > INT64_MAX / 1000000000 - 1)
    return fault(l, "until", "it is not a time from 1970 to 2262");
  key->until_ns = time.i * 1000000000 + time.len;
  return FSM_OK;
}

/* What any kind of entry may say of its key, or keys. */
static fsm_code read_bounds(const loading *l, const fsm_value *entry, fsm__token_key *key) {
  const fsm_value *admin = fsm_map_get(entry, "admin");
  if (admin && !fsm_is(admin, FSM_BOOL)) return fault(l, "admin", "it is true or false");
  if (admin) key->admin = admin->b;
  fsm_code code = read_text(l, entry, "iss", FSM_TOKEN_ISS_MAX, key->iss);
  if (code == FSM_OK) code = read_audiences(l, entry, key);
  return code == FSM_OK ? read_until(l, entry, key) : code;
}

static fsm_code check_members(const loading *l, const fsm_value *entry, const char *known) {
  for (uint32_t i = 0; i < entry->len; i++) {
    const fsm_value *name = &entry->pairs[i].key;
    const char *word = fsm_arena_printf(l->arena, " %.*s ", (int)name->len, name->s);
    if (!word || !strstr(known, word))
      return fault(l, "", "there is no member %.*s here; there are%s",
                   (int)name->len < 40 ? (int)name->len : 40, name->s, known);
  }
  return FSM_OK;
}

static fsm_code read_keyfile(const loading *l, const fsm_value *entry, const char *name,
                             fsm__token_key *key) {
  const fsm_value *file = fsm_map_get(entry, name);
  if (!fsm_is(file, FSM_STRING) || file->len == 0 || file->len > 4000)
    return fault(l, name, "it is not a path");
  const char *path = fsm_arena_strndup(l->arena, file->s, file->len);
  fsm_error why = {0};
  if (!path) return fsm_fail(l->err, FSM_ENOMEM, l->file, "no memory for the keys");
  fsm_code code = fsm__token_key_load(key, l->base, path, &why);
  return code == FSM_OK ? FSM_OK : fault(l, name, "%.150s: %s", why.where, why.text);
}

static fsm_code read_file_entry(const loading *l, const fsm_value *entry, fsm__token_key *key) {
  const fsm_value *alg = fsm_map_get(entry, "alg");
  fsm_code code = check_members(l, entry, " alg file kid iss aud admin until ");
  if (code != FSM_OK) return code;
  if (!alg || !fsm_is(alg, FSM_STRING) || !fsm_token_alg_parse(alg->s, alg->len, &key->alg))
    return fault(l, "alg", "it is one of HS256, HS384, HS512, RS256, ES256");
  code = read_text(l, entry, "kid", FSM_TOKEN_TEXT_MAX, key->kid);
  return code == FSM_OK ? read_keyfile(l, entry, "file", key) : code;
}

static fsm_code read_jwk_entry(loading *l, const fsm_value *entry, fsm__token_key *key, bool *skipped) {
  fsm_error why = {0};
  fsm_code code = fsm__token_jwk_read(l->arena, entry, key, skipped, &why);
  if (code == FSM_OK && *skipped) l->keys->skipped++;
  return code == FSM_OK ? FSM_OK : fault(l, why.where, "%s", why.text);
}

/* Takes the key when it is taken. */
static fsm_code add(const loading *l, fsm__token_key *key) {
  if (l->keys->count == FSM_TOKEN_KEYS_MAX)
    return fault(l, "", "there are more than %d keys", FSM_TOKEN_KEYS_MAX);
  for (size_t i = 0; i < l->keys->count; i++)
    if (*key->kid && strcmp(l->keys->at[i].kid, key->kid) == 0)
      return fault(l, "kid", "another key has the same kid");
  l->keys->at[l->keys->count++] = *key;
  *key = (fsm__token_key){.kid = ""};
  return FSM_OK;
}

static fsm_code read_list(const loading *l, const char *name, fsm_value *out) {
  fsm_buf text = {0};
  fsm_error why = {0};
  fsm_value document = fsm_null();
  fsm_code code = fsm__token_file_read(l->base, name, &text, l->err);
  if (code == FSM_OK &&
      fsm_json_parse(l->arena, fsm_buf_text(&text), text.len, FSM_JSON_SORTED, &document, &why) != FSM_OK)
    code = fsm_fail(l->err, FSM_EARGUMENT, name, "%s%s%s", why.where, *why.where ? ": " : "", why.text);
  fsm_buf_free(&text);
  if (code != FSM_OK) return code;
  const fsm_value *keys = fsm_map_get(&document, "keys");
  if (!keys || !fsm_is(keys, FSM_LIST))
    return fsm_fail(l->err, FSM_EARGUMENT, name, "a file of keys is {\"keys\": [KEY…]}");
  *out = *keys;
  return FSM_OK;
}

/* The keys of a provider, each bounded by what the entry says. */
static fsm_code read_jwks(loading *l, const fsm_value *entry) {
  const fsm_value *file = fsm_map_get(entry, "jwks");
  fsm_value list;
  fsm_code code = check_members(l, entry, " jwks iss aud admin until ");
  if (code != FSM_OK) return code;
  if (!fsm_is(file, FSM_STRING) || file->len == 0 || file->len > 4000)
    return fault(l, "jwks", "it is not a path");
  loading of = *l;
  of.file = fsm_arena_strndup(l->arena, file->s, file->len);
  if (!of.file) return fsm_fail(l->err, FSM_ENOMEM, l->file, "no memory for the keys");
  code = read_list(&of, of.file, &list);
  for (of.at = 0; code == FSM_OK && of.at < list.len; of.at++) {
    fsm__token_key key = key_of(FSM_TOKEN_RS256);
    bool skipped = false;
    code = read_bounds(l, entry, &key);
    if (code == FSM_OK) code = read_jwk_entry(&of, &list.items[of.at], &key, &skipped);
    if (code == FSM_OK && !skipped) code = add(&of, &key);
    fsm__token_key_wipe(&key);
  }
  return code;
}

static fsm_code read_entry(loading *l, const fsm_value *entry) {
  fsm__token_key key = key_of(FSM_TOKEN_HS256);
  bool skipped = false;
  if (!fsm_is(entry, FSM_MAP)) return fault(l, "", "a key is an object");
  if (fsm_map_get(entry, "jwks")) return read_jwks(l, entry);
  const bool of_file = fsm_map_get(entry, "file") != NULL;
  if (!of_file && !fsm_map_get(entry, "kty")) return fault(l, "", "a key has file, jwks or kty");
  fsm_code code = read_bounds(l, entry, &key);
  if (code == FSM_OK)
    code = of_file ? read_file_entry(l, entry, &key) : read_jwk_entry(l, entry, &key, &skipped);
  if (code == FSM_OK && !skipped) code = add(l, &key);
  fsm__token_key_wipe(&key);
  return code;
}

static fsm_code check_set(const loading *l) {
  fsm_token_keys *keys = l->keys;
  if (keys->count == 0)
    return fsm_fail(l->err, FSM_EARGUMENT, l->file, "there is no key in it that tokens can be checked with");
  for (size_t i = 0; keys->count > 1 && i < keys->count; i++)
    if (!*keys->at[i].kid)
      return fsm_fail(l->err, FSM_EARGUMENT, l->file, "there are several keys, so each needs a kid");
  keys->at[0].lone = keys->count == 1;
  return FSM_OK;
}

/* The directory of a path that is no credential: relative names are of it. */
static fsm_code base_of(fsm_arena *arena, const char *path, const char **out, fsm_error *err) {
  const char *real = NULL;
  fsm_code code = fsm__token_file_path(arena, NULL, path, &real, err);
  if (code != FSM_OK) return code;
  const char *slash = strrchr(real, '/');
  *out = slash ? fsm_arena_strndup(arena, real, (size_t)(slash + 1 - real)) : ".";
  return *out ? FSM_OK : fsm_fail(err, FSM_ENOMEM, path, "no memory for the keys");
}

fsm_code fsm_token_keys_load(const char *path, fsm_token_keys **out, fsm_error *err) {
  FSM_ASSERT(path && out);
  fsm_arena arena;
  fsm_value list;
  fsm_arena_init(&arena, 0);
  loading l = {.arena = &arena, .file = path, .err = err};
  fsm_code code = set_new(&l.keys, err);
  if (code == FSM_OK) code = read_list(&l, path, &list);
  if (code == FSM_OK) code = base_of(&arena, path, &l.base, err);
  for (l.at = 0; code == FSM_OK && l.at < list.len; l.at++) code = read_entry(&l, &list.items[l.at]);
  if (code == FSM_OK) code = check_set(&l);
  fsm_arena_free(&arena);
  if (code == FSM_OK)
    *out = l.keys;
  else
    fsm_token_keys_free(l.keys);
  return code;
}

/* ---- one set in place of another ------------------------------------------------------------------ */

static bool same_key(const fsm__token_key *a, const fsm__token_key *b) {
  return a->alg == b->alg && strcmp(a->kid, b->kid) == 0 && a->len == b->len &&
         memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool has(const fsm_token_keys *keys, const fsm__token_key *key) {
  for (size_t i = 0; i < keys->count; i++)
    if (same_key(&keys->at[i], key)) return true;
  return false;
}

void fsm_token_keys_renew(fsm_token_keys *fresh, fsm_token_keys *old, int64_t now_ns, int64_t overlap_ns) {
  FSM_ASSERT(fresh && old && fresh != old && overlap_ns >= 0);
  for (size_t i = 0; i < old->count; i++) {
    fsm__token_key *key = &old->at[i];
    const int64_t end_ns = now_ns + overlap_ns;
    if (!key->retired && end_ns < key->until_ns) key->until_ns = end_ns;
    if (key->until_ns <= now_ns || has(fresh, key) || fresh->count == FSM_TOKEN_KEYS_MAX) continue;
    key->retired = true;
    fresh->at[fresh->count++] = *key;
    *key = (fsm__token_key){.kid = ""};
  }
  fsm_token_keys_free(old);
}

int64_t fsm_token_keys_prune(fsm_token_keys *keys, int64_t now_ns) {
  int64_t next_ns = INT64_MAX;
  size_t kept = 0;
  for (size_t i = 0; i < keys->count; i++) {
    fsm__token_key *key = &keys->at[i];
    if (key->retired && key->until_ns <= now_ns) {
      fsm__token_key_wipe(key);
      continue;
    }
    if (key->retired && key->until_ns < next_ns) next_ns = key->until_ns;
    if (kept < i) {
      keys->at[kept] = *key;
      explicit_bzero(key, sizeof *key);
    }
    kept++;
  }
  keys->count = kept;
  return next_ns;
}
