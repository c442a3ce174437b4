// Who may open a flow: limits per source, per service and in total.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <variant>

#include "base/address.h"
#include "base/reason.h"
#include "base/source_counts.h"

namespace penstock {

struct AdmissionLimits {
  std::uint32_t total = 0;
  std::uint32_t per_source = 0;
  int prefix_v4 = 32;
  int prefix_v6 = 64;
};

/// What one service allows; 0 is "no limit of its own".
struct ServiceLimits {
  std::string service;
  std::uint32_t total = 0;
  std::uint32_t per_source = 0;
};

/// Counts the flows of a node. One lock, taken when a flow opens and when it ends, never while it carries
/// bytes. Every table is bounded by the number of flows admitted. Must outlive its tickets. Any thread.
/// Where there are very many flows, their owner keeps places without tickets, and gives them back by leave().
class Admission {
 public:
  /// A place that was taken; destroying it gives the place back. Any thread.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept { *this = std::move(other); }
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket() { release(); }
    /// The place stays taken without the ticket, until its owner calls leave() for it.
    void keep() { owner_ = nullptr; }

   private:
    friend class Admission;
    Ticket(Admission* owner, IpAddress source, std::string service)
        : owner_{owner}, source_{source}, service_{std::move(service)} {}
    void release();

    Admission* owner_ = nullptr;
    IpAddress source_;
    std::string service_;
  };

  explicit Admission(const AdmissionLimits& limits)
      : limits_{limits}, sources_{limits.prefix_v4, limits.prefix_v6} {}

  /// A ticket, or the reason of the limit that was met.
  std::variant<Ticket, Reason> admit(const IpAddress& source, const ServiceLimits& service);
  /// Gives a place back whose ticket was kept: of that source, or any of its prefix, and that service.
  void leave(const IpAddress& source, const std::string& service);
  void set_limits(const AdmissionLimits& limits);
  std::uint32_t open() const;

 private:
  struct SourceOfService {
    IpAddress source;
    std::string service;
    bool operator==(const SourceOfService&) const = default;
  };
  struct SourceOfServiceHash {
    std::size_t operator()(const SourceOfService& key) const {
      return IpAddressHash{}(key.source) * 31 + std::hash<std::string>{}(key.service);
    }
  };

  mutable std::mutex lock_;
  AdmissionLimits limits_;
  SourceCounts sources_;
  std::unordered_map<std::string, std::uint32_t> services_;
  std::unordered_map<SourceOfService, std::uint32_t, SourceOfServiceHash> sources_of_services_;
};

}  // namespace penstock
