// A flow: one TCP connection of a client, carried as a stream.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/time.h"
#include "tunnel/admission.h"

namespace penstock {

/// What a service has carried, over all workers; it outlives changes of the service's settings.
struct ServiceBook {
  std::atomic<std::uint64_t> flows_open{0};
  std::atomic<std::uint64_t> flows_total{0};
  std::atomic<std::uint64_t> to_backend{0};
  std::atomic<std::uint64_t> to_client{0};
};

/// Who talks to whom, and the places that the flow holds. Owned by its stream.
struct Flow {
  Endpoint client;
  Endpoint local;       // the public address that the client used
  Endpoint backend;     // hub only, once dialled
  std::string service;  // empty where a legacy hub does not tell
  Duration idle{};      // reset after so long without a byte; 0: never
  Admission::Ticket ticket;
  std::shared_ptr<ServiceBook> book;  // shared by all flows of the service, on all workers; may be null
};

/// A snapshot of a flow for people.
struct FlowReport {
  std::uint32_t stream = 0;
  std::string service;
  Endpoint client;
  Endpoint local;
  Endpoint backend;
  Duration age{};
  Duration idle{};
  std::uint64_t to_backend = 0;
  std::uint64_t to_client = 0;
  std::string_view state;
  std::string_view tier;  // "data", or "sustained" for one that sends much for long
};

}  // namespace penstock
