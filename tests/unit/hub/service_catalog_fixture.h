// A catalog of services over a store of its own, and services to put there.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/service_catalog.h"
#include "unit/config/temporary_directory.h"

namespace penstock {

inline Service service(std::string name, PortRange ports, std::string_view target = "127.0.0.1:8000") {
  Service made{.name = std::move(name), .target = Target::parse(target).value()};
  made.ports.add(ports);
  return made;
}

inline Service udp_service(std::string name, PortRange ports) {
  Service made = service(std::move(name), ports);
  made.protocol = Protocol::kUdp;
  return made;
}

inline Service service_for(std::string edge, std::string name, PortRange ports) {
  Service made = service(std::move(name), ports);
  made.edges = {std::move(edge)};
  return made;
}

class ServiceCatalogTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  /// Starts the hub (again) with the services of `config_`.
  void start() {
    catalog_.reset();
    store_.reset();
    auto opened = Store::open(state_.path());
    ASSERT_TRUE(opened) << opened.error().what;
    store_.emplace(std::move(*opened));
    catalog_.emplace(*store_);
    const auto loaded = catalog_->load(config_);
    ASSERT_TRUE(loaded) << loaded.error().what;
  }
  void declare(const Service& declared, std::uint32_t line) {
    config_.services.push_back(declared);
    config_.service_positions[declared.name] = {.file = "hub.toml", .line = line};
  }
  void add(const Service& added) {
    const auto done = catalog_->add(added);
    ASSERT_TRUE(done) << done.error().what;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& [name, entry] : catalog_->entries()) out.push_back(name);
    return out;
  }
  Assignment assigned(std::string_view edge) const { return catalog_->assignment_for(edge, {}); }

  TemporaryDirectory state_;
  Config config_;
  std::optional<Store> store_;
  std::optional<ServiceCatalog> catalog_;
};

}  // namespace penstock
