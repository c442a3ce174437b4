// Asking every worker something, and answering when all have told.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "net/loop.h"

namespace penstock {

/// Calls `ask(role.workers()[i])` on each worker's own thread, then `done` with all answers in one vector on
/// the control loop's thread. Nothing is shared in between but what is posted.
template <class T, class Role, class Ask, class Done>
void gather(Loop& control, Role& role, Ask ask, Done done) {
  struct Gathering {
    std::size_t missing;
    std::vector<T> all;
    Done done;
  };
  // Shared by the answers on their way; touched on the control thread alone.
  const auto gathering = std::make_shared<Gathering>(Gathering{role.workers().size(), {}, std::move(done)});
  for (std::size_t i = 0; i < role.workers().size(); ++i) {
    role.worker(i).loop.post([&control, &worker = *role.workers()[i], ask, gathering]() mutable {
      control.post([gathering = std::move(gathering), part = ask(worker)]() mutable {
        for (T& item : part) gathering->all.push_back(std::move(item));
        if (--gathering->missing == 0) gathering->done(std::move(gathering->all));
      });
    });
  }
}

}  // namespace penstock
