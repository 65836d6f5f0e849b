/* snapshot_dir.c: the directory of snapshots and their manifests. See snapshot.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/manifest.h"
#include "runtime/snapshot_impl.h"

enum { NAME_LEN = 20 };

fsm_code fsm__snapshot_path(const char *dir, uint64_t from_seq, fsm__path *out, fsm_error *err) {
  return fsm__path_of(out, err, "%s/%020llu", dir, (unsigned long long)from_seq);
}

fsm_code fsm__snapshot_manifest_save(const char *path, const fsm__snapshot_info *info, fsm_error *err) {
  fsm_buf buf = {0};
  fsm_buf_printf(&buf, "fsm-snapshot %d\n", FSM_SNAPSHOT_FORMAT);
  fsm__manifest_hex(&buf, "store", info->origin.store, sizeof info->origin.store);
  fsm__manifest_u64(&buf, "partition", info->origin.partition);
  fsm__manifest_u64(&buf, "epoch", info->origin.epoch);
  fsm__manifest_u64(&buf, "from", info->from_seq);
  fsm__manifest_hex(&buf, "from_leaf", info->from_leaf.bytes, FSM_HASH_BYTES);
  fsm__manifest_u64(&buf, "to", info->to_seq);
  fsm__manifest_hex(&buf, "to_leaf", info->to_leaf.bytes, FSM_HASH_BYTES);
  fsm__manifest_u64(&buf, "blocks", info->blocks);
  fsm__manifest_u64(&buf, "rows", info->rows);
  fsm__manifest_u64(&buf, "bytes", info->bytes);
  fsm__manifest_hex(&buf, "hash", info->hash.bytes, FSM_HASH_BYTES);
  fsm__manifest_u64(&buf, "made", (uint64_t)info->made_ns);
  fsm__manifest_u64(&buf, "verified", (uint64_t)info->verified_ns);
  fsm_code code = fsm__manifest_save(path, &buf, err);
  fsm_buf_free(&buf);
  return code;
}

static bool read_manifest(const char *text, fsm__snapshot_info *out) {
  uint64_t partition, epoch, made, verified, format;
  bool whole =
      fsm__manifest_get_u64(text, "fsm-snapshot", &format) && format == FSM_SNAPSHOT_FORMAT &&
      fsm__manifest_get_hex(text, "store", out->origin.store, sizeof out->origin.store) &&
      fsm__manifest_get_u64(text, "partition", &partition) && fsm__manifest_get_u64(text, "epoch", &epoch) &&
      fsm__manifest_get_u64(text, "from", &out->from_seq) &&
      fsm__manifest_get_hex(text, "from_leaf", out->from_leaf.bytes, FSM_HASH_BYTES) &&
      fsm__manifest_get_u64(text, "to", &out->to_seq) &&
      fsm__manifest_get_hex(text, "to_leaf", out->to_leaf.bytes, FSM_HASH_BYTES) &&
      fsm__manifest_get_u64(text, "blocks", &out->blocks) &&
      fsm__manifest_get_u64(text, "rows", &out->rows) && fsm__manifest_get_u64(text, "bytes", &out->bytes) &&
      fsm__manifest_get_hex(text, "hash", out->hash.bytes, FSM_HASH_BYTES) &&
      fsm__manifest_get_u64(text, "made", &made) && fsm__manifest_get_u64(text, "verified", &verified);
  if (!whole || partition > UINT32_MAX || epoch > UINT32_MAX) return false;
  out->origin.partition = (uint32_t)partition;
  out->origin.epoch = (uint32_t)epoch;
  out->made_ns = (int64_t)made;
  out->verified_ns = (int64_t)verified;
  return true;
}

fsm_code fsm__snapshot_describe(const char *path, fsm__snapshot_info *out, fsm_error *err) {
  fsm_buf text = {0};
  *out = (fsm__snapshot_info){.rows = 0};
  fsm_code code = fsm__manifest_load(path, &text, err);
  if (code == FSM_OK && !read_manifest(text.data, out))
    code = fsm_fail(err, FSM_ECORRUPT, path, "the manifest is not that of a snapshot of format %d",
                    FSM_SNAPSHOT_FORMAT);
  fsm_buf_free(&text);
  return code;
}

fsm_code fsm__snapshot_note_verified(const char *dir, uint64_t from_seq, int64_t now_ns, fsm_error *err) {
  fsm__path path;
  fsm__snapshot_info info;
  fsm_code code = fsm__snapshot_path(dir, from_seq, &path, err);
  if (code == FSM_OK) code = fsm__snapshot_describe(path.text, &info, err);
  if (code != FSM_OK) return code;
  info.verified_ns = now_ns;
  return fsm__snapshot_manifest_save(path.text, &info, err);
}

/* ---- what there is ------------------------------------------------------------------------------ */

static bool is_name(const char *name) {
  return strlen(name) == NAME_LEN && strspn(name, "0123456789") == NAME_LEN;
}

static int by_seq(const void *a, const void *b) {
  uint64_t left = ((const fsm__snapshot_info *)a)->from_seq,
           right = ((const fsm__snapshot_info *)b)->from_seq;
  return (left > right) - (left < right);
}

fsm_code fsm__snapshot_list(const char *dir, fsm__snapshot_info **out, size_t *count, size_t *damaged,
                            fsm_error *err) {
  size_t n = 0, bad = 0;
  *out = NULL;
  *count = 0;
  if (damaged != NULL) *damaged = 0;
  DIR *open_dir = opendir(dir);
  if (open_dir == NULL)
    return errno == ENOENT ? FSM_OK : fsm__file_fault(err, dir, "the snapshots cannot be listed");
  fsm__snapshot_info *list = calloc(FSM_SNAPSHOTS_MAX, sizeof *list);
  fsm_code code = list != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, dir, "no memory to list the snapshots");
  for (struct dirent *entry;
       code == FSM_OK && n < FSM_SNAPSHOTS_MAX && (entry = readdir(open_dir)) != NULL;) {
    fsm__path path;
    if (!is_name(entry->d_name)) continue;
    bool whole = fsm__path_of(&path, NULL, "%s/%s", dir, entry->d_name) == FSM_OK &&
                 fsm__snapshot_describe(path.text, &list[n], NULL) == FSM_OK &&
                 list[n].from_seq == strtoull(entry->d_name, NULL, 10);
    if (whole)
      n++;
    else
      bad++;
  }
  closedir(open_dir);
  if (code != FSM_OK) return code;
  qsort(list, n, sizeof *list, by_seq);
  *out = list;
  *count = n;
  if (damaged != NULL) *damaged = bad;
  return FSM_OK;
}

void fsm__snapshot_remove(const char *dir, uint64_t from_seq) {
  fsm__path path, gone;
  if (fsm__snapshot_path(dir, from_seq, &path, NULL) != FSM_OK ||
      fsm__path_of(&gone, NULL, "%s/tmp-gone-%llu", dir, (unsigned long long)from_seq) != FSM_OK)
    return;
  fsm__tree_remove(gone.text); /* renamed first, so that half of one is never taken for a whole one */
  if (rename(path.text, gone.text) == 0) fsm__tree_remove(gone.text);
}

void fsm__snapshot_sweep(const char *dir) {
  DIR *open_dir = opendir(dir);
  if (open_dir == NULL) return;
  for (struct dirent *entry; (entry = readdir(open_dir)) != NULL;) {
    fsm__path path;
    if (strncmp(entry->d_name, "tmp-", 4) == 0 &&
        fsm__path_of(&path, NULL, "%s/%s", dir, entry->d_name) == FSM_OK)
      fsm__tree_remove(path.text);
  }
  closedir(open_dir);
}
