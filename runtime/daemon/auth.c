/* auth.c: bearer tokens and socket peers into actors.
 *
 * Invariant: an actor has authn "verified" only when fsm_token_verify took these very bytes under the keys of
 * now (a table entry is found by the SHA-256 of the whole token, its times are checked again at each use, and
 * the table is emptied when the keys change).
 */
#include "runtime/daemon/auth.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/hash.h"

enum {
  SETS = 1024, /* entries with the same first hash bytes compete for its ways */
  WAYS = 4,
  ACTOR_BYTES_MAX = 16 * 1024
};

typedef struct entry {
  fsm__hash hash;
  uint64_t used;           /* 0 = empty */
  fsm_token_claims claims; /* times and admin alone; the rest is in the actor */
  fsm_value actor, as_admin;
  fsm_arena arena; /* of the actors */
} entry;

struct fsm__auth {
  fsm__auth_options options;
  fsm_token_keys *keys;
  int64_t prune_ns;            /* when a key of an older set ends; INT64_MAX = none */
  fsm_arena arena;             /* of the expression */
  const fsm_expr *admin_allow; /* NULL = true */
  uint64_t uses, verified;
  uid_t self;
  char self_name[64], root_name[64];
  entry entries[SETS][WAYS];
};

const char *fsm__policy_name(fsm__policy policy) {
  static const char *const names[] = {"required", "optional", "none"};
  FSM_ASSERT((unsigned)policy < sizeof names / sizeof *names);
  return names[policy];
}

/* Looked up once, because the name service may wait for a disk or a network. */
static void name_of(uid_t uid, char *out, size_t size) {
  struct passwd pw, *found = NULL;
  char text[4096];
  int len = getpwuid_r(uid, &pw, text, sizeof text, &found) == 0 && found && *pw.pw_name
                ? snprintf(out, size, "%s", pw.pw_name)
                : -1;
  if (len < 0 || (size_t)len >= size) snprintf(out, size, "uid:%u", (unsigned)uid);
}

/* ---- who may administer --------------------------------------------------------------------------- */

/* A name that no actor has is found at the start, not when an admin is needed. */
static fsm_code compile_allow(fsm__auth *auth, fsm_error *err) {
  static const fsm_shape text = {.kind = FSM_SHAPE_STRING}, list = {.kind = FSM_SHAPE_LIST, .item = &text};
  static const char *const names[] = {"authn", "iss", "roles", "sid", "sub", "type"};
  static const fsm_shape *const members[] = {&text, &text, &list, &text, &text, &text};
  static const bool required[] = {true, false, false, false, true, true};
  static const fsm_shape none = {.kind = FSM_SHAPE_OBJECT};
  static const fsm_shape actor = {
      .kind = FSM_SHAPE_OBJECT, .count = 6, .names = names, .members = members, .required = required};
  const fsm_expr_options options = {.guard = true, .actor = &actor, .context = &none, .event = &none};
  const char *source = auth->options.admin_allow;
  fsm_error why = {0};
  if (!source || !*source) return FSM_OK;
  fsm_code code =
      fsm_expr_compile_with(&auth->arena, source, strlen(source), &options, &auth->admin_allow, &why);
  if (code == FSM_OK || code == FSM_ENOMEM)
    return code == FSM_OK ? code : fsm_fail(err, code, "admin-allow", "no memory");
  return fsm_fail(err, FSM_EARGUMENT, "admin-allow", "%s: %s", why.where, why.text);
}

/* What cannot be told is no. */
static bool allows_admin(const fsm__auth *auth, const fsm_value *actor, int64_t now_ns) {
  if (!auth->admin_allow) return true;
  const fsm_scope scope = {.actor = actor, .now_ns = now_ns};
  fsm_value verdict = fsm_null();
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm_expr_eval(auth->admin_allow, &scope, &arena, &verdict, NULL);
  bool allowed = code == FSM_OK && fsm_is(&verdict, FSM_BOOL) && verdict.b;
  fsm_arena_free(&arena);
  return allowed;
}

/* ---- its life ------------------------------------------------------------------------------------- */

fsm_code fsm__auth_new(const fsm__auth_options *options, fsm_token_keys *keys, fsm__auth **out,
                       fsm_error *err) {
  FSM_ASSERT(options && out);
  fsm__auth *auth = calloc(1, sizeof *auth);
  if (!auth) {
    fsm_token_keys_free(keys);
    return fsm_fail(err, FSM_ENOMEM, "auth", "no memory for the table of tokens");
  }
  auth->options = *options;
  auth->keys = keys;
  auth->prune_ns = INT64_MAX;
  auth->self = geteuid();
  name_of(auth->self, auth->self_name, sizeof auth->self_name);
  name_of(0, auth->root_name, sizeof auth->root_name);
  fsm_arena_init(&auth->arena, 0);
  fsm_code code = compile_allow(auth, err);
  if (code == FSM_OK)
    *out = auth;
  else
    fsm__auth_free(auth);
  return code;
}

static void forget_all(fsm__auth *auth) {
  for (int i = 0; i < SETS; i++)
    for (int j = 0; j < WAYS; j++) {
      fsm_arena_free(&auth->entries[i][j].arena);
      auth->entries[i][j] = (entry){.used = 0};
    }
}

void fsm__auth_free(fsm__auth *auth) {
  if (!auth) return;
  forget_all(auth);
  fsm_arena_free(&auth->arena);
  fsm_token_keys_free(auth->keys);
  free(auth);
}

void fsm__auth_key_names(const fsm__auth *auth, fsm_buf *out) {
  if (auth->keys)
    fsm_token_keys_names(auth->keys, out);
  else
    fsm_buf_str(out, "none");
}

void fsm__auth_set_keys(fsm__auth *auth, fsm_token_keys *keys, int64_t now_ns) {
  FSM_ASSERT(auth && keys);
  if (auth->keys) fsm_token_keys_renew(keys, auth->keys, now_ns, auth->options.overlap_ns);
  auth->keys = keys;
  auth->prune_ns = fsm_token_keys_prune(keys, now_ns);
  forget_all(auth);
}

uint64_t fsm__auth_verified_count(const fsm__auth *auth) { return auth->verified; }

bool fsm__auth_knows(const fsm__auth *auth, const fsm__peer *peer) {
  return !peer->local || fsm__peers_has(&auth->options.peers, peer);
}

/* ---- tokens --------------------------------------------------------------------------------------- */

/* The token behind "Bearer ", NULL when the header is of another form. */
static const char *bearer(const char *authorization) {
  if (strncasecmp(authorization, "Bearer ", 7) != 0) return NULL;
  const char *token = authorization + 7;
  while (*token == ' ') token++;
  return *token ? token : NULL;
}

static entry *known(fsm__auth *auth, const fsm__hash *hash) {
  entry *set = auth->entries[(hash->bytes[0] | hash->bytes[1] << 8) % SETS];
  for (int i = 0; i < WAYS; i++)
    if (set[i].used && memcmp(&set[i].hash, hash, sizeof *hash) == 0) return &set[i];
  return NULL;
}

/* An empty entry for the hash: the least recently used of its set. */
static entry *claim(fsm__auth *auth, const fsm__hash *hash) {
  entry *set = auth->entries[(hash->bytes[0] | hash->bytes[1] << 8) % SETS], *oldest = set;
  for (int i = 1; i < WAYS; i++)
    if (set[i].used < oldest->used) oldest = &set[i];
  fsm_arena_free(&oldest->arena);
  *oldest = (entry){.hash = *hash};
  fsm_arena_init(&oldest->arena, ACTOR_BYTES_MAX);
  return oldest;
}

/* ---- actors --------------------------------------------------------------------------------------- */

typedef struct actor_map {
  fsm_pair pairs[8];
  size_t count;
} actor_map;

static void put(actor_map *map, const char *key, const char *text) {
  if (text) map->pairs[map->count++] = (fsm_pair){fsm_string(key), fsm_string(text)};
}

static void put_admin(actor_map *map) {
  map->pairs[map->count++] = (fsm_pair){fsm_string("admin"), fsm_bool(true)};
}

static fsm_code finish(actor_map *map, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_value view;
  fsm_code code = fsm_map(map->pairs, map->count, &view, err);
  return code == FSM_OK ? fsm_value_copy(arena, &view, out, err) : code;
}

static fsm_code verified_actor(const fsm_token_claims *claims, bool admin, fsm_arena *arena, fsm_value *out,
                               fsm_error *err) {
  actor_map map = {.count = 0};
  put(&map, "type", "user");
  put(&map, "authn", "verified");
  put(&map, "sub", claims->sub);
  put(&map, "sid", claims->jti);
  put(&map, "iss", claims->iss);
  if (!fsm_is(&claims->roles, FSM_NULL))
    map.pairs[map.count++] = (fsm_pair){fsm_string("roles"), claims->roles};
  if (admin) put_admin(&map);
  return finish(&map, arena, out, err);
}

/* On the unix socket the kernel vouches for who could change the files themselves. */
static fsm_code local_actor(const fsm__auth *auth, uint32_t uid, const char *fault, fsm_arena *arena,
                            fsm_value *out, fsm_error *err) {
  char number[24];
  snprintf(number, sizeof number, "uid:%u", (unsigned)uid);
  actor_map map = {.count = 0};
  put(&map, "type", "local");
  put(&map, "authn", "local");
  put(&map, "sub", uid == auth->self ? auth->self_name : uid == 0 ? auth->root_name : number);
  put(&map, "fault", fault);
  if (uid == auth->self || uid == 0) put_admin(&map);
  return finish(&map, arena, out, err);
}

static fsm_code anonymous_actor(const char *fault, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  actor_map map = {.count = 0};
  put(&map, "type", "anonymous");
  put(&map, "authn", "none");
  put(&map, "fault", fault);
  return finish(&map, arena, out, err);
}

/* ---- tokens, remembered --------------------------------------------------------------------------- */

/* The actors of the claims, in a table entry; without memory the entry stays empty, and the token is checked
 * again next time. */
static entry *remember(fsm__auth *auth, const fsm__hash *hash, const fsm_token_claims *claims,
                       fsm_error *err) {
  entry *e = claim(auth, hash);
  fsm_code code = verified_actor(claims, false, &e->arena, &e->actor, err);
  if (code == FSM_OK && claims->admin) code = verified_actor(claims, true, &e->arena, &e->as_admin, err);
  e->claims = (fsm_token_claims){.exp_s = claims->exp_s,
                                 .nbf_s = claims->nbf_s,
                                 .iat_s = claims->iat_s,
                                 .until_ns = claims->until_ns,
                                 .admin = claims->admin};
  if (code != FSM_OK) return NULL;
  e->used = ++auth->uses;
  return e;
}

static fsm_code check_token(fsm__auth *auth, const char *authorization, int64_t now_ns, fsm_arena *arena,
                            const entry **out, fsm_error *err) {
  const char *token = bearer(authorization);
  if (!token) return fsm_fail(err, FSM_ETOKEN, "Authorization", "the header is not \"Bearer\" and a token");
  if (!auth->keys)
    return fsm_fail(err, FSM_ETOKEN, "Authorization", "no key is configured to check a token with");
  size_t len = strlen(token);
  if (len > FSM_TOKEN_BYTES_MAX)
    return fsm_fail(err, FSM_ETOKEN, "token", "the token is longer than %d bytes", FSM_TOKEN_BYTES_MAX);
  fsm__hash hash = fsm__sha256(token, len);
  entry *e = known(auth, &hash);
  if (e) {
    fsm_code code = fsm_token_check_times(&auth->options.rules, &e->claims, now_ns, err);
    e->used = code == FSM_OK ? ++auth->uses : 0;
    *out = e;
    return code;
  }
  fsm_token_claims claims;
  auth->verified++;
  fsm_code code = fsm_token_verify(auth->keys, &auth->options.rules, token, len, now_ns, arena, &claims, err);
  if (code == FSM_OK && !(*out = remember(auth, &hash, &claims, err)))
    code = fsm_fail(err, FSM_ENOMEM, "token", "no memory for the actor");
  return code;
}

/* Keys that are over are wiped by whoever comes next. */
static void prune(fsm__auth *auth, int64_t now_ns) {
  if (now_ns >= auth->prune_ns) auth->prune_ns = fsm_token_keys_prune(auth->keys, now_ns);
}

fsm_code fsm__auth_identify(fsm__auth *auth, fsm__policy policy, const char *authorization,
                            const fsm__peer *peer, int64_t now_ns, fsm_arena *arena, fsm_value *actor,
                            fsm_error *err) {
  FSM_ASSERT(auth && peer && arena && actor && (policy != FSM__AUTH_REQUIRED || auth->keys));
  prune(auth, now_ns);
  if (policy == FSM__AUTH_REQUIRED && !authorization)
    return fsm_fail(err, FSM_ETOKEN, "Authorization", "a bearer token is required here");
  if (policy != FSM__AUTH_NONE && authorization) {
    const entry *e = NULL;
    fsm_code code = check_token(auth, authorization, now_ns, arena, &e, err);
    FSM_ASSERT(code != FSM_OK || e);
    /* A copy, because the entry may go before the request does. */
    if (code == FSM_OK)
      return fsm_value_copy(
          arena, e->claims.admin && allows_admin(auth, &e->actor, now_ns) ? &e->as_admin : &e->actor, actor,
          err);
    if (code != FSM_ETOKEN || policy == FSM__AUTH_REQUIRED) return code;
    return anonymous_actor("bad_token", arena, actor, err);
  }
  const char *fault = authorization ? "token_not_checked" : NULL;
  return peer->local ? local_actor(auth, peer->uid, fault, arena, actor, err)
                     : anonymous_actor(fault, arena, actor, err);
}

void fsm__auth_excerpt(const char *authorization, const fsm_error *why, fsm_buf *out) {
  const char *token = authorization ? bearer(authorization) : NULL;
  if (token) {
    fsm__hash hash = fsm__sha256(token, strlen(token));
    char hex[2 * FSM_HASH_BYTES + 1];
    fsm__hex(hash.bytes, sizeof hash.bytes, hex);
    fsm_buf_printf(out, "token sha256 %s: ", hex);
  }
  fsm_buf_printf(out, "%s: %s", why->where, why->text);
}
