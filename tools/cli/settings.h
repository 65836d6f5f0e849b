/* settings.h: where an option of every command comes from when it is not given: a profile, the environment.
 *
 * A profile is a file profiles.d/NAME in $FSM_PROFILES (the directory itself),
 * $XDG_CONFIG_HOME/fsmd/profiles.d or
 * ~/.config/fsmd/profiles.d, in the form of fsmd's own: lines `name = value` with the names of the options,
 * comments with #. It holds no secret, only the file that holds one. As it says whom a token is sent to, it
 * has to be this user's or root's and nobody else's to write.
 *
 * An option wins over the profile of -p (or $FSM_PROFILE), that over the environment ($FSM_URL, $FSM_DB,
 * $FSM_CA_FILE), that over the profile `default`, if there is one. Where to go is one setting: the first of
 * these that names a data directory, a socket or a URL.
 */
#ifndef FSM_CLI_SETTINGS_H
#define FSM_CLI_SETTINGS_H

#include "tools/cli/source.h"

enum { CLI_PROFILE_BYTES_MAX = 64 << 10, CLI_PROFILE_LINES_MAX = 64 };

typedef struct cli_profile {
  const char *path; /* NULL = none */
  bool asked;       /* by -p or $FSM_PROFILE: else it is `default` */
  struct {
    const char *name, *value;
    unsigned line;
  } settings[CLI_PROFILE_LINES_MAX];
  size_t count;
} cli_profile;

/* Reads a profile's text. FSM_EARGUMENT with PATH:LINE as its place. */
FSM_MUST_USE fsm_code cli_profile_parse(cli_profile *profile, const char *path, const char *text, size_t len,
                                        fsm_arena *arena, fsm_error *err);
/* Its value, NULL when the profile does not say. */
const char *cli_profile_get(const cli_profile *profile, const char *name);

typedef struct cli_run cli_run;
/* Finds and reads the profile, into cli->profile. */
FSM_MUST_USE fsm_code cli_profile_load(cli_run *cli, fsm_error *err);
/* The names of the profiles that there are, NULL-terminated; NULL without memory. */
const char *const *cli_profile_names(fsm_arena *arena);
/* The option of every command, or what the profile says; NULL = neither. */
const char *cli_setting(const cli_run *cli, const char *name);
/* The same of a flag: given, or `on` in the profile. */
bool cli_setting_on(const cli_run *cli, const char *name);
/* The data directory, the socket or the URL: one of them, or none (all NULL). */
FSM_MUST_USE fsm_code cli_place_find(const cli_run *cli, cli_place *out, fsm_error *err);

#endif
