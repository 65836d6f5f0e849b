/* test_expr_check_path.c: members over shapes. */
#include "tests/expr_shapes.h"

static void a_member_that_is_not_there_is_named_with_what_was_meant(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.amount", "ok"},
      {"context.amuont", "1:1 context.amuont: there is no member amuont, did you mean amount?"},
      {"context.amuotn", "1:1 context.amuotn: there is no member amuotn, did you mean amount?"},
      {"context.?item.none.orValue(1)", "ok"},
      {"context.titel == 'x'", "1:1 context.titel: there is no member titel, did you mean title?"},
      {"context.item.skus", "1:1 context.item.skus: there is no member skus, did you mean sku?"},
      {"context.zzz", "1:1 context.zzz: there is no member zzz"},
      {"context['amuont']", "1:1 context['amuont']: there is no member amuont, did you mean amount?"},
      {"has(context.amuont)", "1:5 context.amuont: there is no member amuont, did you mean amount?"},
      {"context.?amuont", "1:1 context.?amuont: there is no member amuont, did you mean amount?"},
      {"event.data.sku + input.sku", "ok"},
      {"input.sku + 1", "1:1 input.sku + 1: + does not take string and int"},
      {"event.dat", "1:1 event.dat: there is no member dat, did you mean data?"},
      {"actor.anything", "ok"},
      {"context.ok.x", "1:1 context.ok.x: a value of the type bool has no member x"},
      {"context.labels.x", "1:1 context.labels.x: a value of the type list has no member x"},
      {"context.x", "1:1 context.x: there is no member x"},
  };
  CHECK_SHAPES(cases);
}

static void open_maps_have_more_than_is_known(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.open.more.and.more + 1", "ok"},
      {"context.open.sku + 1", "1:1 context.open.sku + 1: + does not take string and int"},
      {"context.count.anything + 'a'", "1:1 context.count.anything + 'a': + does not take int and string"},
      {"context.free.more[1].x", "ok"},
  };
  CHECK_SHAPES(cases);
}

static void entries_are_asked_with_the_right_kind(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.items[0].sku + 'a'", "ok"},
      {"context.items[context.amount].count + 'a'",
       "1:1 context.items[context.amount].count + 'a': + does not take int and string"},
      {"context.items[context.free]", "ok"},
      {"context.items['a']",
       "1:1 context.items['a']: a list is indexed by an int, not by a value of the type string"},
      {"context.count[1]",
       "1:1 context.count[1]: a map with text keys is indexed by a string, not by a value of the type int"},
      {"context.item[context.title] + 1 + 'a'", "ok"},
      {"context.amount[0]",
       "1:1 context.amount[0]: only a list or a map has entries, and this is of the type int"},
      {"context.items[1 + 'a']", "1:15 1 + 'a': + does not take int and string"},
      {"context.items[?0].sku.orValue(1)", "ok"},
  };
  CHECK_SHAPES(cases);
}

static void long_names_are_no_trouble(void **state) {
  (void)state;
  char source[200] = "context.", result[400];
  memset(source + 8, 'a', 100);
  source[108] = 0;
  snprintf(result, sizeof result, "1:1 %.80s…: there is no member %s", source, source + 8);
  const expr_case cases[] = {{source, result}};
  CHECK_SHAPES(cases);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_member_that_is_not_there_is_named_with_what_was_meant),
      cmocka_unit_test(open_maps_have_more_than_is_known),
      cmocka_unit_test(entries_are_asked_with_the_right_kind),
      cmocka_unit_test(long_names_are_no_trouble),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
