/* settings.c: profiles, and which source of a setting wins. */
#include "tools/cli/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/utf8.h"
#include "tools/cli/cli.h"
#include "tools/cli/nearest.h"

enum { NAME_MAX_BYTES = 64, PROFILES_MAX = 64 };

static const char *env(const char *name) {
  const char *value = getenv(name);
  return value != NULL && *value != 0 ? value : NULL;
}

/* ---- a profile's text ------------------------------------------------------------------------------- */

/* What of a command line makes no sense for every time. */
static bool is_setting(const cli_option *option) {
  static const char *const once[] = {"profile", "version", "help", "watch"};
  for (size_t i = 0; i < sizeof once / sizeof *once; i++)
    if (strcmp(option->name, once[i]) == 0) return false;
  return true;
}

static const cli_option *find_setting(const char *name) {
  for (const cli_option *option = cli_global_options; option->name != NULL; option++)
    if (strcmp(option->name, name) == 0 && is_setting(option)) return option;
  return NULL;
}

static const char *closest(const char *name) {
  const char *names[CLI_OPTIONS_MAX];
  size_t count = 0;
  for (const cli_option *option = cli_global_options; option->name != NULL; option++)
    if (is_setting(option)) names[count++] = option->name;
  return cli_nearest(name, names, count);
}

static fsm_code wrong(const char *path, unsigned line, fsm_error *err, const char *format, ...)
    FSM_PRINTF(4, 5);
static fsm_code wrong(const char *path, unsigned line, fsm_error *err, const char *format, ...) {
  char place[FSM_WHERE_MAX], text[FSM_TEXT_MAX];
  const size_t len = strlen(path), shown = sizeof place - 16;
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  snprintf(place, sizeof place, "%s:%u", len > shown ? path + len - shown : path, line);
  return fsm_fail(err, FSM_EARGUMENT, place, "%s", text);
}

static bool names_file(const char *name) {
  return strcmp(name, "data") == 0 || strcmp(name, "socket") == 0 || strcmp(name, "token-file") == 0 ||
         strcmp(name, "ca-file") == 0 || strcmp(name, "people") == 0 || strcmp(name, "archive-dir") == 0;
}

/* ~/x is in the home directory; whatever else does not begin with / would depend on where one stands. */
static const char *whole_path(fsm_arena *arena, const char *value) {
  const char *home = env("HOME");
  if (value[0] == '/') return value;
  if (strncmp(value, "~/", 2) != 0 || home == NULL) return NULL;
  return fsm_arena_printf(arena, "%s%s", home, value + 1);
}

static const char *not_plain(const char *value) {
  if (*value == 0) return "the value is empty; leave the line out or put # before it";
  if (*value == '"' || *value == '\'') return "a value stands without quotes";
  if (strstr(value, " #") != NULL || strstr(value, "\t#") != NULL) return "a comment needs a line of its own";
  for (const char *c = value; *c != 0; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7f) return "the value has a control character";
  return fsm__utf8_valid(value, strlen(value)) ? NULL : "the value is not valid UTF-8";
}

static fsm_code put(cli_profile *profile, unsigned line, const char *name, const char *value,
                    fsm_arena *arena, fsm_error *err) {
  const cli_option *option = find_setting(name);
  const char *path = profile->path;
  if (option == NULL && closest(name) != NULL)
    return wrong(path, line, err, "%.64s: there is no such setting; did you mean %s?", name, closest(name));
  if (option == NULL)
    return wrong(path, line, err, "%.64s: there is no such setting; see: fsm-cli --help", name);
  if (cli_profile_get(profile, name) != NULL) return wrong(path, line, err, "%s is given twice", name);
  if (not_plain(value) != NULL) return wrong(path, line, err, "%s: %s", name, not_plain(value));
  if (option->value == NULL && strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
    return wrong(path, line, err, "%s is on or off", name);
  if (names_file(name) && (value = whole_path(arena, value)) == NULL)
    return wrong(path, line, err, "%s: a path in a profile begins with / or ~/", name);
  if (profile->count == CLI_PROFILE_LINES_MAX)
    return wrong(path, line, err, "%s is one setting too many", name);
  profile->settings[profile->count].name = option->name;
  profile->settings[profile->count].value = value;
  profile->settings[profile->count++].line = line;
  return FSM_OK;
}

static char *trim(char *text) {
  static const char blank[] = " \t\r";
  text += strspn(text, blank);
  size_t len = strlen(text);
  while (len > 0 && strchr(blank, text[len - 1]) != NULL) text[--len] = 0;
  return text;
}

static fsm_code parse_line(cli_profile *profile, unsigned line, char *text, fsm_arena *arena,
                           fsm_error *err) {
  text = trim(text);
  if (*text == 0 || *text == '#') return FSM_OK;
  char *equals = strchr(text, '=');
  if (equals == NULL)
    return wrong(profile->path, line, err, "%s", "a line is name = value, or a comment with #");
  *equals = 0;
  return put(profile, line, trim(text), trim(equals + 1), arena, err);
}

fsm_code cli_profile_parse(cli_profile *profile, const char *path, const char *text, size_t len,
                           fsm_arena *arena, fsm_error *err) {
  char *at = fsm_arena_strndup(arena, text, len);
  if (at == NULL) return fsm_fail(err, FSM_ENOMEM, path, "no memory");
  profile->path = path;
  if (strlen(at) != len) return fsm_fail(err, FSM_EARGUMENT, path, "it has a zero byte: a profile is text");
  fsm_code code = FSM_OK;
  for (unsigned line = 1; code == FSM_OK && at != NULL; line++) {
    char *end = strchr(at, '\n');
    if (end != NULL) *end++ = 0;
    code = parse_line(profile, line, at, arena, err);
    at = end;
  }
  return code;
}

const char *cli_profile_get(const cli_profile *profile, const char *name) {
  for (size_t i = 0; i < profile->count; i++)
    if (strcmp(profile->settings[i].name, name) == 0) return profile->settings[i].value;
  return NULL;
}

/* ---- its file --------------------------------------------------------------------------------------- */

static const char *directory(fsm_arena *arena) {
  const char *own = env("FSM_PROFILES"), *config = env("XDG_CONFIG_HOME"), *home = env("HOME");
  if (own != NULL) return own;
  if (config != NULL) return fsm_arena_printf(arena, "%s/fsmd/profiles.d", config);
  return home == NULL ? NULL : fsm_arena_printf(arena, "%s/.config/fsmd/profiles.d", home);
}

const char *const *cli_profile_names(fsm_arena *arena) {
  const char **names = fsm_arena_zalloc(arena, PROFILES_MAX + 1, sizeof *names), *dir = directory(arena);
  size_t count = 0;
  DIR *list = dir == NULL ? NULL : opendir(dir);
  for (struct dirent *entry; list != NULL && names != NULL && (entry = readdir(list)) != NULL;) {
    if (count == PROFILES_MAX || entry->d_name[0] == '.') continue;
    names[count] = fsm_arena_strdup(arena, entry->d_name);
    count += names[count] != NULL;
  }
  if (list != NULL) closedir(list);
  return names;
}

static fsm_code no_such(const char *dir, const char *name, fsm_arena *arena, fsm_error *err) {
  const char *const *names = cli_profile_names(arena);
  size_t count = 0;
  while (names != NULL && names[count] != NULL) count++;
  const char *near = count == 0 ? NULL : cli_nearest(name, names, count);
  if (near != NULL)
    return fsm_fail(err, FSM_EARGUMENT, dir, "there is no profile %s there; did you mean %s?", name, near);
  return fsm_fail(
      err, FSM_EARGUMENT, dir,
      "there is no profile %s there: a file of that name with lines such as: url = http://127.0.0.1:8480",
      name);
}

static fsm_code check_owner(const char *path, const struct stat *info, fsm_error *err) {
  if (!S_ISREG(info->st_mode)) return fsm_fail(err, FSM_EARGUMENT, path, "is not a file");
  if (info->st_uid != geteuid() && info->st_uid != 0)
    return fsm_fail(err, FSM_EPERMISSION, path, "belongs to user %u: a profile is this user's or root's",
                    (unsigned)info->st_uid);
  if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fsm_fail(err, FSM_EPERMISSION, path,
                    "others may write it, and it says whom the token is sent to: chmod 600");
  return FSM_OK;
}

static fsm_code read_whole(int fd, const char *path, fsm_buf *out, fsm_error *err) {
  struct stat info;
  if (fstat(fd, &info) != 0) return fsm_fail(err, FSM_EIO, path, "cannot be read: %s", strerror(errno));
  fsm_code code = check_owner(path, &info, err);
  for (ssize_t got = 1; code == FSM_OK && got > 0;) {
    char chunk[4096];
    got = read(fd, chunk, sizeof chunk);
    if (got < 0) return fsm_fail(err, FSM_EARGUMENT, path, "cannot be read: %s", strerror(errno));
    fsm_buf_add(out, chunk, (size_t)got);
    if (out->len > CLI_PROFILE_BYTES_MAX)
      return fsm_fail(err, FSM_ETOOLARGE, path, "a profile has at most %d bytes", CLI_PROFILE_BYTES_MAX);
  }
  return code;
}

static bool is_name(const char *name) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const size_t len = strlen(name);
  return len > 0 && len <= NAME_MAX_BYTES && strspn(name, letters) == len && name[0] != '.';
}

fsm_code cli_profile_load(cli_run *cli, fsm_error *err) {
  const char *option = cli_args_from(&cli->args, cli_global_options, "profile");
  const char *name = option != NULL ? option : env("FSM_PROFILE"), *dir = directory(&cli->arena);
  cli->profile.asked = name != NULL;
  if (name == NULL) name = "default";
  if (!is_name(name))
    return fsm_fail(err, FSM_EARGUMENT, "profile", "-p takes a name of letters, digits, - and _, not \"%s\"",
                    name);
  if (dir == NULL && !cli->profile.asked) return FSM_OK;
  if (dir == NULL) return fsm_fail(err, FSM_EARGUMENT, "profile", "where are the profiles? $HOME is not set");
  const char *path = fsm_arena_printf(&cli->arena, "%s/%s", dir, name);
  if (path == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && !cli->profile.asked) return FSM_OK; /* nobody said there was one */
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return no_such(dir, name, &cli->arena, err);
  if (fd < 0) return fsm_fail(err, FSM_EARGUMENT, path, "cannot be read: %s", strerror(errno));
  fsm_buf text = {0};
  fsm_code code = read_whole(fd, path, &text, err);
  close(fd);
  if (code == FSM_OK)
    code = cli_profile_parse(&cli->profile, path, fsm_buf_text(&text), text.len, &cli->arena, err);
  fsm_buf_free(&text);
  return code;
}

/* ---- who wins --------------------------------------------------------------------------------------- */

const char *cli_setting(const cli_run *cli, const char *name) {
  const char *option = cli_args_from(&cli->args, cli_global_options, name);
  return option != NULL ? option : cli_profile_get(&cli->profile, name);
}

bool cli_setting_on(const cli_run *cli, const char *name) {
  if (cli_args_from(&cli->args, cli_global_options, name) != NULL) return true;
  const char *value = cli_profile_get(&cli->profile, name);
  return value != NULL && strcmp(value, "on") == 0;
}

static unsigned named(const cli_place *place) {
  return (place->data != NULL) + (place->socket != NULL) + (place->url != NULL);
}

/* The option of this command that takes JSON, NULL = none. */
static const char *json_option(const cli_run *cli) {
  const cli_option *option = cli->command == NULL ? NULL : cli->command->options;
  for (; option != NULL && option->name != NULL; option++)
    if (option->value != NULL && strcmp(option->value, "JSON") == 0) return option->name;
  return NULL;
}

fsm_code cli_place_find(const cli_run *cli, cli_place *out, fsm_error *err) {
  const cli_args *args = &cli->args;
  const cli_profile *profile = &cli->profile;
  cli_place options = {.data = cli_args_from(args, cli_global_options, "data"),
                       .socket = cli_args_from(args, cli_global_options, "socket"),
                       .url = cli_args_from(args, cli_global_options, "url")};
  cli_place lines = {.data = cli_profile_get(profile, "data"),
                     .socket = cli_profile_get(profile, "socket"),
                     .url = cli_profile_get(profile, "url")};
  cli_place around = {.data = env("FSM_DB"), .url = env("FSM_URL")};
  if (around.data == NULL && around.url == NULL) around.data = env("FSM_DATA");
  if (named(&options) > 1)
    return fsm_fail(err, FSM_EARGUMENT, "", "only one of --data, --socket and --url says where");
  if (options.data != NULL && options.data[0] == '{' && json_option(cli) != NULL)
    return fsm_fail(err, FSM_EARGUMENT, "data", "--data is the data directory here; JSON is given with --%s",
                    json_option(cli));
  if (named(&lines) > 1)
    return fsm_fail(err, FSM_EARGUMENT, profile->path, "only one of data, socket and url says where");
  const cli_place *found = &options;
  if (named(found) == 0) found = profile->asked ? &lines : &around;
  if (named(found) == 0) found = profile->asked ? &around : &lines;
  if (named(found) > 1)
    return fsm_fail(err, FSM_EARGUMENT, "",
                    "$FSM_URL and $FSM_DB are both set: give --url or --data, or unset one");
  out->data = found->data;
  out->socket = found->socket;
  out->url = found->url;
  return FSM_OK;
}
