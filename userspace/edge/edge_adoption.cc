// Sessions that the process before left in the kernel's maps: what they belong to, the first assignment
// tells.
#include <utility>
#include <variant>

#include "edge/edge_worker.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

/// Until the hub tells of the services again.
constexpr Duration kAdoptedIdle = 60s;

}  // namespace

void EdgeSessions::check_adopted() {
  table_.for_each([this](Session& session) {
    const Service* const service = services_->find(session.path.local.port);
    if (service == nullptr) return end(session, PST_R_SERVICE_REMOVED, true);
    const auto ledger = ledgers_.take(&book_of(service));
    if (!ledger) return end(session, PST_R_LIMIT_TOTAL, true);
    ledgers_.give_back(std::exchange(extra(session).ledger, *ledger));
    table_.set_idle(session, service->idle);
  });
}

void EdgeSessions::end_tunnelled() {
  if (table_.size() == 0) return;
  table_.for_each([this](Session& session) {
    if (!extra(session).direct) end(session, PST_R_TUNNEL_DOWN, false);
  });
}

/// It moves to a carrier of ours once there is one.
bool EdgeSessions::adopt(const Steering::Left& left) {
  const SessionPath& path = left.path;
  if (table_.find(path) != nullptr) return false;
  auto admitted = shared_.sessions_admission.admit(path.remote.address, {});
  if (std::holds_alternative<Reason>(admitted)) return false;
  Session* const session = table_.restore(left.id, path, kAdoptedIdle, worker_.loop.now());
  if (session == nullptr) return false;
  if (left.route && !direct_.adopt(*session, *left.route)) {
    table_.remove(*session);
    return false;
  }
  extras_.reach(table_.index_of(*session)) = {.ledger = *ledgers_.take(&nobody_),
                                              .direct = left.route.has_value()};
  std::get<Admission::Ticket>(admitted).keep();
  if (!left.route) steering_->add(*session, {.client = path.remote, .local = path.local});
  ++sessions_on_[path.local.port];
  ++adopted_;
  return true;
}

}  // namespace penstock
