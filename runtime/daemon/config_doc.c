/* config_doc.c: the manual pages fsmd(8) and fsmd.conf(5), made from the table of settings. */
#include <string.h>

#include "runtime/daemon/config_table.h"
#include "runtime/version.h"

/* Text of a page: what roff would obey is told to be itself. */
static void put_text(fsm_buf *out, const char *text) {
  for (const char *c = text; *c; c++) {
    const bool first = c == text || c[-1] == '\n';
    if (first && (*c == '.' || *c == '\'')) fsm_buf_str(out, "\\&");
    if (*c == '\\')
      fsm_buf_str(out, "\\e");
    else if (*c == '-')
      fsm_buf_str(out, "\\-");
    else
      fsm_buf_char(out, *c);
  }
}

static void put_head(fsm_buf *out, const char *page, const char *section, const char *name) {
  fsm_buf_printf(out, ".TH %s %s \"" FSM_PAGES_DATE "\" \"fsmd " FSM_VERSION "\"\n.ad l\n.SH NAME\n", page,
                 section);
  put_text(out, name);
  fsm_buf_char(out, '\n');
}

static void put_section(fsm_buf *out, const char *title, const char *const *paragraphs) {
  fsm_buf_printf(out, ".SH %s\n", title);
  for (size_t i = 0; paragraphs[i]; i++) {
    if (i > 0) fsm_buf_str(out, ".PP\n");
    put_text(out, paragraphs[i]);
    fsm_buf_char(out, '\n');
  }
}

/* One setting, as an option or as a line of the file. */
static void put_setting(fsm_buf *out, const fsm__setting *row, bool in_file) {
  fsm_buf range = {0};
  fsm__setting_range(row, &range);
  fsm_buf_str(out, ".TP\n.B ");
  if (!in_file) fsm_buf_str(out, "\\-\\-");
  put_text(out, row->name);
  if (in_file || row->argument)
    fsm_buf_printf(out, "%s\\fI%s\\fR", in_file ? " = " : " ", row->argument ? row->argument : "on|off");
  fsm_buf_char(out, '\n');
  put_text(out, row->help);
  if (range.len > 0) {
    fsm_buf_str(out, " (");
    put_text(out, fsm_buf_text(&range));
    fsm_buf_char(out, ')');
  }
  if (in_file && row->kind == FSM__FLAG) fsm_buf_printf(out, " (default %s)", row->fallback);
  fsm_buf_str(out, ".\n");
  fsm_buf_free(&range);
}

static void put_settings(fsm_buf *out, bool in_file) {
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    if (in_file && (row->kind == FSM__ACTION || row->option_only)) continue;
    put_setting(out, row, in_file);
  }
}

static const char *const about[] = {
    "fsmd keeps instances of statecharts durable, serves them over HTTP on TCP and on a unix socket, and "
    "writes one "
    "record for every change into a log that can be verified.",
    "Settings are options, or lines of the file that --config names, fsmd.conf(5); an option wins over the "
    "file. No "
    "setting takes a secret, only the name of a file that holds one.",
    NULL};
static const char *const signals[] = {
    "SIGTERM, SIGINT: no new connection is taken, requests under way are answered, for stop-timeout at most. "
    "A second one "
    "ends the process at once; what was answered is durable.",
    "SIGHUP: the files of --config, --sinks, --people, --jwt-key, --jwt-keys, --tls-cert and --tls-key are "
    "read again. "
    "Of "
    "the settings log-level is taken, what else has changed is told in the log and waits for the next start. "
    "A wrong file changes nothing.",
    NULL};
static const char *const statuses[] = {
    "0: stopped. 1: the system failed. 2: a wrong setting. 7: stored data is damaged; starting again does "
    "not help. 9: "
    "another process holds the data. 74: the disk failed.",
    NULL};
static const char *const supervised[] = {
    "With NOTIFY_SOCKET in the environment, as of a unit with Type=notify, fsmd tells READY=1 once it "
    "listens, RELOADING=1, "
    "STOPPING=1, STATUS, and, with WATCHDOG_USEC, WATCHDOG=1 for as long as its writer goes on.",
    NULL};
static const char *const format[] = {
    "A line is name = value, a comment that begins with #, or blank. Values stand without quotes, to the end "
    "of the line; a "
    "comment needs a line of its own. A setting that may be given several times has a line for each. Flags "
    "are on or off. "
    "Sizes are bytes, or have KiB, MiB, GiB or TiB behind them; durations have a unit: ms, s, m, h, d.",
    "What is unknown, given twice, out of range, or contradicts another line is refused at the start, with "
    "file and line. "
    "The file may be changed by its owner and group only. fsmd --print-config prints the settings in force "
    "as such a file.",
    NULL};

static void put_fsmd(fsm_buf *out) {
  static const char *const files[] = {
      "/etc/fsmd/fsmd.conf: settings of the unit. /var/lib/fsmd: its data, which only its "
      "user can read. /run/fsmd/fsmd.sock: its socket.",
      NULL};
  put_head(out, "FSMD", "8", "fsmd - durable statecharts with a verifiable audit log");
  fsm_buf_str(
      out, ".SH SYNOPSIS\n.B fsmd\n[\\-\\-config \\fIFILE\\fR] \\-\\-data \\fIDIR\\fR [\\fIOPTION\\fR]...\n");
  put_section(out, "DESCRIPTION", about);
  fsm_buf_str(out, ".SH OPTIONS\n");
  put_settings(out, false);
  put_section(out, "SIGNALS", signals);
  put_section(out, "SUPERVISION", supervised);
  put_section(out, "EXIT STATUS", statuses);
  put_section(out, "FILES", files);
  fsm_buf_str(out, ".SH SEE ALSO\n.BR fsmd.conf (5),\n.BR fsm\\-cli (1)\n");
}

static void put_conf(fsm_buf *out) {
  put_head(out, "FSMD.CONF", "5", "fsmd.conf - settings of fsmd");
  put_section(out, "DESCRIPTION", format);
  fsm_buf_str(out, ".SH SETTINGS\n");
  put_settings(out, true);
  fsm_buf_str(out, ".SH SEE ALSO\n.BR fsmd (8)\n");
}

void fsm__config_doc(fsm_buf *out, fsm__doc what) {
  if (what == FSM__DOC_FSMD_8)
    put_fsmd(out);
  else if (what == FSM__DOC_CONF_5)
    put_conf(out);
  else
    fsm__config_complete(out, what);
}
