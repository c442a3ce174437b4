// Asking every worker something, and answering when all have told.
#pragma once

#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "net/loop.h"

namespace penstock {

/// All parts in one, in their order.
template <class T>
std::vector<T> joined_parts(std::vector<std::vector<T>> parts) {
  std::vector<T> all;
  for (std::vector<T>& part : parts) {
    all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
  }
  return all;
}

/// Calls `ask(role.workers()[i])` on each worker's own thread, then `done` with all answers in one vector on
/// the control loop's thread, in the order of the workers, whoever answers first. Nothing is shared in
/// between but what is posted.
template <class T, class Role, class Ask, class Done>
void gather(Loop& control, Role& role, Ask ask, Done done) {
  struct Gathering {
    std::size_t missing;
    std::vector<std::vector<T>> parts;
    Done done;
  };
  // Shared by the answers on their way; touched on the control thread alone.
  const auto gathering = std::make_shared<Gathering>(
      Gathering{role.workers().size(), std::vector<std::vector<T>>(role.workers().size()), std::move(done)});
  for (std::size_t i = 0; i < role.workers().size(); ++i) {
    role.worker(i).loop.post([&control, &worker = *role.workers()[i], i, ask, gathering]() mutable {
      control.post([gathering = std::move(gathering), i, part = ask(worker)]() mutable {
        gathering->parts[i] = std::move(part);
        if (--gathering->missing == 0) gathering->done(joined_parts(std::move(gathering->parts)));
      });
    });
  }
}

}  // namespace penstock
