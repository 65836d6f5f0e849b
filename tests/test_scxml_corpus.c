/* The public SCXML documents, where they lie beside the project: each loads and compiles, or is refused by
 * the construct that is out of scope; which those are is written down here. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "schema/scxml.h"

#define CORPUS FSM_SOURCE_DIR "/../shared/corpus"

static const char *const refused[][2] = {
    {"w3c-irp/test301.scxml",
     "\"file:/nonexistent/foo\" cannot be read: there is no such file"}, /* as 5.8 wants */
    {"scion/error/error.scxml", "a script is made of assignments, and here is a statement: \"function\""},
    {"scion/script-src/test0.scxml", "\"script-0-0.js\" cannot be read: there is no such file"},
    {"scion/script-src/test1.scxml", "\"script-1-0.js\" cannot be read: there is no such file"},
    {"scion/script-src/test2.scxml", "\"script-2-0.js\" cannot be read: there is no such file"},
    {"scion/targetless-transition/test1.scxml",
     "\"Math\" is a word of ECMAScript that expressions here do not have"},
    {"real/scxml/commons-microwave-02.scxml",
     "the data model is \"cel\", \"ecmascript\" or \"null\", not \"jexl\""},
    {"real/scxml/gnomes-new_product_approval.scxml", "<transition> has no attribute \"delay\""},
    {"real/scxml/gnomes-onboarding_approval.scxml", "<transition> has no attribute \"delay\""},
    {"real/scxml/gnomes-parallel_checks.scxml", "<transition> has no attribute \"delay\""},
    {"real/scxml/w3c-blackjack.scxml",
     "the document is <scxml> of \"\", not <scxml> of \"http://www.w3.org/2005/07/scxml\""},
    {"real/scxml/zhornyak-dining-philosophers.flat.scxml",
     "\"parseInt\" is a function of ECMAScript that expressions here do not have"},
    {"real/scxml/zhornyak-morseEcma.scxml",
     "a script is made of assignments, and here is a statement: \"while\""},
};

static fsm_arena arena;
static unsigned loaded, known;

static const char *read_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  char *text = fsm_arena_alloc(&arena, 1 << 20);
  assert_non_null(text);
  *len = fread(text, 1, 1 << 20, file);
  fclose(file);
  return text;
}

/* Beside the document. */
static fsm_code give(void *arg, const char *src, fsm_arena *into, const char **text, size_t *len,
                     fsm_error *err) {
  (void)into;
  const char *document = arg, *slash = strrchr(document, '/');
  if (strncmp(src, "file:", 5) == 0) src += 5;
  *text = read_file(fsm_arena_printf(&arena, "%.*s/%s", (int)(slash - document), document, src), len);
  return *text ? FSM_OK : fsm_fail(err, FSM_ENOTFOUND, "", "there is no such file");
}

static const char *expected_of(const char *path) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (strcmp(path + strlen(CORPUS) + 1, refused[i][0]) == 0) return refused[i][1];
  return NULL;
}

static void try_one(const char *path) {
  size_t len;
  fsm_error err = {0};
  const fsm_def *def;
  fsm_machine *machine = NULL;
  fsm_scxml_options options = {.source = give, .source_arg = (void *)(uintptr_t)path};
  const char *text = read_file(path, &len), *expected = expected_of(path);
  fsm_code code = fsm_scxml_read(&arena, text, len, &options, &def, &err);
  if (!code) code = fsm_machine_compile(def, &machine, &err);
  fsm_machine_free(machine);
  if (!code && expected) fail_msg("%s is taken, and it was not: %s", path, expected);
  if (code && !expected) fail_msg("%s: %s: %s", path, err.where, err.text);
  if (code) assert_string_equal(err.text, expected);
  loaded += code == FSM_OK;
  known += code != FSM_OK;
}

static void try_folder(const char *folder, unsigned depth) {
  struct dirent **names;
  int count = scandir(folder, &names, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    const char *name = names[i]->d_name, *dot = strrchr(name, '.');
    const char *path = fsm_arena_printf(&arena, "%s/%s", folder, name);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    if (S_ISDIR(info.st_mode) && name[0] != '.' && depth < 3) try_folder(path, depth + 1);
    if (S_ISREG(info.st_mode) && dot && strcmp(dot, ".scxml") == 0) try_one(path);
    free(names[i]);
  }
  if (count >= 0) free(names);
}

static void every_public_document_loads_or_is_refused_by_name(void **state) {
  (void)state;
  struct stat info;
  if (stat(CORPUS, &info) != 0) {
    print_message("skipped: there is no %s\n", CORPUS);
    skip();
  }
  fsm_arena_init(&arena, 0);
  try_folder(CORPUS, 0);
  fsm_arena_free(&arena);
  print_message("%u load, %u are refused by name\n", loaded, known);
  assert_true(loaded > 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_public_document_loads_or_is_refused_by_name)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
