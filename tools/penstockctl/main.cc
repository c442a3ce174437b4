// penstockctl: the operator's tool.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "penstockctl/http_daemon.h"
#include "penstockctl/run.h"

int main(int count, char** words) {
  using namespace penstock::ctl;
  Env env{
      std::cin, std::cout, std::cerr, {}, [](const std::string& socket) { return make_http_daemon(socket); }};
  if (const char* socket = std::getenv("PENSTOCK_SOCKET")) env.variables["PENSTOCK_SOCKET"] = socket;
  const std::vector<std::string> given(words + 1, words + count);
  return static_cast<int>(run(given, env));
}
