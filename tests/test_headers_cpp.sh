#!/bin/sh
# The public headers compile as C++ (they say extern "C"); skipped without a C++ compiler.
command -v g++ >/dev/null 2>&1 || {
  echo 'skipped: no g++ here'
  exit 77
}
for header in fsm/fsm.h schema/json.h schema/record.h schema/definition.h runtime/fsm_runtime.h runtime/publish.h runtime/version.h; do
  printf '#include "%s"\nint main() { return 0; }\n' "$header" | g++ -std=c++17 -Wall -fsyntax-only -I"$FSM_SOURCE_DIR" -x c++ - || exit 1
done
