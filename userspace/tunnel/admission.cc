#include "tunnel/admission.h"

#include <utility>

namespace penstock {
namespace {

template <class Map, class Key>
std::uint32_t count_of(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? 0 : found->second;
}

template <class Map, class Key>
void drop_one(Map& map, const Key& key) {
  const auto found = map.find(key);
  if (--found->second == 0) map.erase(found);
}

}  // namespace

Admission::Ticket& Admission::Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  release();
  owner_ = std::exchange(other.owner_, nullptr);
  source_ = other.source_;
  service_ = std::move(other.service_);
  return *this;
}

void Admission::Ticket::release() {
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->leave(source_, service_);
}

std::variant<Admission::Ticket, Reason> Admission::admit(const IpAddress& source,
                                                         const ServiceLimits& service) {
  const std::lock_guard guard{lock_};
  const IpAddress prefix = source.prefix(limits_.prefix_v4, limits_.prefix_v6);
  const SourceOfService of_service{prefix, service.service};
  if (sources_.total() >= limits_.total) return PST_R_LIMIT_TOTAL;
  if (sources_.of(source) >= limits_.per_source) return PST_R_LIMIT_SOURCE;
  if (service.total != 0 && count_of(services_, service.service) >= service.total) return PST_R_LIMIT_SERVICE;
  if (service.per_source != 0 && count_of(sources_of_services_, of_service) >= service.per_source) {
    return PST_R_LIMIT_SOURCE;
  }
  sources_.add(source);
  ++services_[service.service];
  ++sources_of_services_[of_service];
  return Ticket{this, prefix, service.service};
}

void Admission::leave(const IpAddress& source, const std::string& service) {
  const std::lock_guard guard{lock_};
  const IpAddress prefix = source.prefix(limits_.prefix_v4, limits_.prefix_v6);
  sources_.remove(source);
  drop_one(services_, service);
  drop_one(sources_of_services_, SourceOfService{prefix, service});
}

void Admission::set_limits(const AdmissionLimits& limits) {
  const std::lock_guard guard{lock_};
  // Prefix lengths stay as they were: tickets that are out were counted under them.
  limits_.total = limits.total;
  limits_.per_source = limits.per_source;
}

std::uint32_t Admission::open() const {
  const std::lock_guard guard{lock_};
  return static_cast<std::uint32_t>(sources_.total());
}

}  // namespace penstock
