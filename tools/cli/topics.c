/* topics.c: headings and topics of the help. */
#include "tools/cli/topics.h"

#include <string.h>

static const struct {
  const char *word, *title, *about;
} headings[CLI_HEADING_COUNT] = {
    [CLI_FIND] = {"find", "Find", "where is it, since when, how many"},
    [CLI_EXPLAIN] = {"explain", "Explain", "why does it not move, what happened"},
    [CLI_DO] = {"do", "Do", "start it, set it moving, stop it"},
    [CLI_DEFINITIONS] = {"definitions", "Definitions", "machines: check, draw, try, deploy"},
    [CLI_TASKS] = {"tasks", "Tasks and timers", "who is to do what, what comes by itself"},
    [CLI_PUBLISHING] = {"publishing", "Publishing", "does what happens arrive elsewhere"},
    [CLI_DATA] = {"data", "Data and audit", "is it whole, can it be proved, copies"},
    [CLI_OTHER] = {"other", "Other", "is the daemon well, tokens, shells"},
};

const char *cli_heading_title(cli_heading heading) { return headings[heading].title; }

const char *cli_heading_about(cli_heading heading) { return headings[heading].about; }

cli_heading cli_heading_of(const char *word) {
  for (int i = 0; i < CLI_HEADING_COUNT; i++)
    if (strcmp(headings[i].word, word) == 0) return (cli_heading)i;
  return CLI_HEADING_COUNT;
}

const cli_topic cli_topics[] = {
    {"filters", "which instances: flags of ls, stuck and bulk commands",
     "Which instances are meant is said with the same flags everywhere; all have to\n"
     "hold. (With what changes instances --corr is the correlation that is written.)\n\n"
     "  -m MACHINE  --machine-version N     of this machine, of this version\n"
     "  -s STATE    --for DUR               in this state or inside it; so long in it\n"
     "  --open --done --failed --paused --forced   or --status a,b\n"
     "  --kind sla|orphan|dead|failed|silent       what is wrong with them\n"
     "  -u USER  -k KEY  -l NAME=VALUE      changed by; business key (* and ?); label\n"
     "  --corr ID  --trace ID               with this correlation, under this trace\n"
     "  --since --until TIME                created;  --updated-since … last changed\n"
     "  --where EXPR                        over context, key, labels, state, age …\n\n"
     "  sla     past the time that its states have (meta.fsm.sla)\n"
     "  orphan  only events can move it, and nobody who was ever seen may send one\n"
     "  dead    no event, timer or task can move it\n"
     "  failed  an incident, or it ended in a state that is tagged failed\n"
     "  silent  nothing is pending, and nothing happened for the time of --for\n\n"
     "  fsm-cli ls -m loan --open --for 2d..7d --where 'context.amount > 50000'\n"
     "  fsm-cli retry --status incident -m loan --reason 'the service is back'\n"},
    {"times", "TIME, DUR and @SEQ as arguments",
     "  TIME   2026-03-02T09:30:00Z, 2026-03-02 (UTC), today, yesterday, or so long\n"
     "         ago: 90s, 2h, 3d. What is relative is so to the daemon's clock.\n"
     "  DUR    90s, 10m, 1h30m, 2d; a range where --for takes one: 10m..2h\n"
     "  @SEQ   behind this record of the log: get --as-of @812, diff ID @800 @812\n\n"
     "Tables show UTC and spans, json RFC 3339 and nanoseconds.\n\n"
     "  fsm-cli log DOC-1 --since yesterday\n"
     "  fsm-cli get DOC-1 --as-of 2026-03-02T09:30:00Z\n"},
    {"formats", "what -o gives, and what may be relied on",
     "  table   for people; cut to the width of a terminal, whole elsewhere\n"
     "  wide    every column, nothing cut\n"
     "  json    the document of the HTTP interface, whole; with --all one document\n"
     "  jsonl   one line an item\n"
     "  csv     RFC 4180 with a header; columns are named as the members of json. A\n"
     "          text that begins with = + - @ or \' has a \' before it, so that it is no\n"
     "          formula of a spreadsheet: who reads it takes one \' away. Numbers have\n"
     "          none. Control and direction characters are escaped. --raw: as it is\n"
     "  id      what one goes on with, one a line, for `fsm-cli … -`\n"
     "  tree    of some commands\n\n"
     "json, jsonl, csv and id are for programs: members are added, none is renamed.\n"
     "Data goes to stdout; footers, progress, plans and faults to stderr. With -o json\n"
     "a fault is a document, too: {type, title, status, code, where, detail}.\n\n"
     "  fsm-cli stuck -o json | jq -r '.items[].id'\n"
     "  fsm-cli stuck --kind failed -o id | fsm-cli retry - --reason 'it is back' -y\n"},
    {"exit-codes", "what the exit status says",
     "  0  ok                             6  some of it was done, some was not\n"
     "  1  failed                         7  verification failed, data damaged\n"
     "  2  usage, malformed input         8  timeout, busy\n"
     "  3  not found, or ambiguous        9  unreachable, locked by another process\n"
     "  4  refused by the machine        10  there are matches (--exit-status)\n"
     "  5  not permitted\n\n"
     "`check` has those of monitoring plugins: 0 ok, 1 warning, 2 critical, 3 unknown.\n\n"
     "  fsm-cli stuck --for 1h --exit-status -q >/dev/null || page-somebody\n"},
    {"profiles", "where to ask, as whom: options, profiles, environment",
     "A profile is a file ~/.config/fsmd/profiles.d/NAME ($FSM_PROFILES: another\n"
     "directory), chosen by -p NAME or $FSM_PROFILE; `default` holds when none is\n"
     "chosen. Its lines are options of every command:\n\n"
     "  url = https://fsm.example:8480\n"
     "  token-file = ~/.fsm-token\n"
     "  output = wide\n\n"
     "Options win over the profile, that over $FSM_URL, $FSM_DB and $FSM_CA_FILE,\n"
     "that over `default`. A token is in a file or in $FSM_TOKEN, never a flag.\n"
     "Nobody else may write a profile.\n\n"
     "  fsm-cli -p prod stuck\n"},
    {"offline", "stopped daemons, copies and backups",
     "--data DIR ($FSM_DB) asks the daemon at DIR/fsmd.sock. Nobody there: the files\n"
     "are read where they lie, and the answers are the same. Nothing is written to\n"
     "them. A backup is read as it is, too.\n\n"
     "What changes something needs the daemon, or --offline: then the daemon's lock is\n"
     "taken (exit 9 names the process that has it) and the change is made and recorded\n"
     "as the daemon would. Timers and tasks wait until it runs.\n\n"
     "  fsm-cli --data /backup/2026-03-02 get DOC-1\n"
     "  fsm-cli --data /var/lib/fsmd cancel DOC-1 --offline --reason 'withdrawn'\n"},
    {NULL, NULL, NULL}};

bool cli_help_topic(const char *word, fsm_buf *out) {
  const cli_heading heading = cli_heading_of(word);
  if (heading != CLI_HEADING_COUNT) {
    cli_help_heading(heading, out);
    return true;
  }
  for (const cli_topic *topic = cli_topics; topic->name != NULL; topic++)
    if (strcmp(topic->name, word) == 0) {
      fsm_buf_printf(out, "%s: %s\n\n%s", topic->name, topic->summary, topic->text);
      return true;
    }
  return false;
}
