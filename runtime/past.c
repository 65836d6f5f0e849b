/* past.c: an instance as it was, from its records and its row of now. See past.h. */
#include "runtime/past.h"

#include <stdio.h>
#include <string.h>

#include "runtime/past_impl.h"
#include "schema/json.h"

/* Its own number, whatever those of parents are. */
#define OWN_NUMBER ((uint64_t)1 << 62)

static fsm_code absent(const fsm__past_replay *r, fsm_error *err) {
  char when[40];
  const bool gone = r->gone.seq != 0;
  const fsm_record_brief *what = gone ? &r->gone : &r->made;
  if (what->seq == 0) return fsm__query_unknown(r->kept->at, r->id, err);
  fsm_time_format(what->time_ns, when, sizeof when);
  return fsm_fail(err, FSM_EINSTANCE, "instance",
                  "instance \"%s\" was not there at seq %llu: it %s at %s (seq %llu)", r->id,
                  (unsigned long long)r->past->seq, gone ? "had left the store" : "was made", when,
                  (unsigned long long)what->seq);
}

static fsm_code not_told(const fsm__past_replay *r, uint64_t from, fsm_error *err) {
  char log[96] = "";
  if (r->first_seq != 0)
    snprintf(log, sizeof log, "; what happened from seq %llu on is in its log",
             (unsigned long long)r->first_seq);
  return fsm_fail(
      err, FSM_ENOTFOUND, "as_of",
      "archived: the first records of instance \"%s\" are not kept here, so it can be told from seq "
      "%llu on only%s%s",
      r->id, (unsigned long long)from, log,
      r->kept->at->core->archive == NULL
          ? "; with the segments that were archived it can be told whole: --archive-dir DIR"
          : "");
}

/* The first records are gone: what has not changed since is as it is now, or can be told backwards. */
static fsm_code as_now(const fsm__past_replay *r, fsm_error *err) {
  const fsm__reading *at = r->kept->at;
  fsm__past *past = r->past;
  fsm__instance now;
  uint64_t from = 0;
  fsm_code code = fsm__query_resolve(at, r->id, &now, err);
  if (code != FSM_OK) return code;
  if (r->first_seq != 0 && now.created_seq < r->first_seq && past->seq >= r->first_seq) {
    code = fsm__past_undo(r->kept, r->id, OWN_NUMBER, r->first_seq, &now, past, &from, err);
    return code == FSM_ENOTFOUND ? not_told(r, from, err) : code;
  }
  if (now.last_seq > past->seq) return not_told(r, now.last_seq, err);
  code = fsm__past_consumed(r->kept, r->id, UINT64_MAX, past->seq, &from, err);
  if (code == FSM_OK && from != 0) return not_told(r, from, err);
  if (code != FSM_OK) return code;
  past->in = now;
  fsm__store_close(past->store);
  past->store = NULL;
  past->core = *at->core;
  return FSM_OK;
}

static fsm_code find(const fsm__past_replay *r, fsm_error *err) {
  fsm__past *past = r->past;
  uint64_t number = 0;
  if (r->headless || (r->first_seq == 0 && r->kept->first > 1)) return as_now(r, err);
  fsm_code code = fsm__instance_number(past->store, r->id, &number, err);
  if (code == FSM_ENOTFOUND) return absent(r, err);
  if (code == FSM_OK)
    code = fsm__instance_load(past->store, past->core.catalog, number, r->kept->at->arena, &past->in, err);
  return code == FSM_OK ? fsm__past_context(r, &past->in.context, err) : code;
}

fsm_code fsm__past_renew(const fsm__reading *at, fsm__past *out, fsm_error *err) {
  fsm__past_close(out);
  fsm_code code = fsm__store_memory(&out->store, err);
  if (code != FSM_OK) return code;
  out->core = *at->core;
  out->core.store = out->store;
  out->core.catalog = fsm__catalog_view(at->core->catalog, out->store, at->core->seq, at->arena);
  out->core.services = NULL; /* who took tasks then is not on record */
  out->core.untaken = NULL;
  out->at = *at;
  out->at.core = &out->core;
  return out->core.catalog == NULL ? fsm__past_nomem(err) : FSM_OK;
}

/* Of what is kept; *lacks: its beginning is not among that. */
static fsm_code replay(fsm__kept *kept, const char *id, uint64_t seq, fsm__past *out, bool *lacks,
                       fsm_error *err) {
  fsm__past_replay r = {.kept = kept, .past = out, .id = id, .number = OWN_NUMBER};
  fsm_code code = fsm__past_renew(kept->at, out, err);
  if (code != FSM_OK) return code;
  out->seq = seq;
  code = fsm__past_replay_run(&r, err);
  *lacks = r.headless || r.made.seq != 0 || r.first_seq == 0;
  if (code == FSM_OK && !(*lacks && fsm__kept_reaches(kept))) code = find(&r, err);
  fsm__past_replay_end(&r);
  return code;
}

fsm_code fsm__past_open(const fsm__reading *at, const char *id, uint64_t seq, fsm__past *out,
                        fsm_error *err) {
  fsm__kept kept;
  bool lacks = false;
  *out = (fsm__past){.store = NULL};
  fsm_code code = fsm__kept_open(at, &kept, err);
  if (code == FSM_OK && seq < kept.here) code = fsm__kept_reach(&kept, err);
  if (code == FSM_OK) code = replay(&kept, id, seq, out, &lacks, err);
  if (code == FSM_OK && lacks && fsm__kept_reaches(&kept)) {
    fsm__past_close(out);
    code = fsm__kept_reach(&kept, err);
    if (code == FSM_OK) code = replay(&kept, id, seq, out, &lacks, err);
  }
  if (code == FSM_OK && out->store != NULL && out->in.has_parent)
    code = fsm__past_add_parent(out, &kept, err);
  if (code == FSM_OK && out->store != NULL) code = fsm__past_consume(out, &kept, err);
  fsm__kept_close(&kept);
  return code;
}

void fsm__past_close(fsm__past *past) {
  fsm__store_close(past->store);
  past->store = NULL;
}
