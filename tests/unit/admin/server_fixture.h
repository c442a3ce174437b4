// An admin server on a thread of its own, with a few routes; the test is the client.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "admin/server.h"
#include "raw_client.h"
#include "temp_dir.h"

namespace penstock {

using namespace std::chrono_literals;

inline constexpr std::string_view kHello = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
inline constexpr std::string_view kHelloAndEnd =
    "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
inline constexpr std::string_view kFollow = "GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n";

class AdminServerTest : public testing::Test {
 protected:
  ~AdminServerTest() override { stop(); }

  void start(AdminLimits limits = {}) {
    router_.add("GET", "/hello", [](const AdminRequest&, AdminReply reply) {
      reply.json({{"hello", "world"}});
    });
    router_.add("GET", "/ready", [](const AdminRequest&, AdminReply reply) {
      reply.json({{"ready", true}});
    });
    router_.add("POST", "/echo/{what}", [](const AdminRequest& request, AdminReply reply) {
      reply.json({{"what", request.parameter("what")}, {"size", request.body.size()}}, 201);
    });
    router_.add("GET", "/throw", [](const AdminRequest&, AdminReply) { throw std::runtime_error{"no"}; });
    router_.add("GET", "/large",
                [](const AdminRequest&, AdminReply reply) { reply.json_text(std::string(8 << 20, 'x')); });
    router_.add("GET", "/later", [this](const AdminRequest&, AdminReply reply) {
      later_.push_back(std::move(reply));
      asked_.set_value();
    });
    server_.emplace(io_, router_, log_, limits);
    const auto listening = server_->listen_unix(path_);
    ASSERT_TRUE(listening) << listening.error().what;
    const auto http = server_->listen_http({IpAddress::v4(0x7f000001), 0});
    ASSERT_TRUE(http) << http.error().what;
    http_ = *http;
    thread_ = std::thread{[this] { io_.run(); }};
  }

  void stop() {
    if (!server_) return;
    boost::asio::post(io_, [this] { server_->stop(); });
    keep_running_.reset();
    thread_.join();  // returns only because stop() left nothing to wait for
    EXPECT_TRUE(server_->idle());
    server_.reset();
  }

  test::TempDir dir_;
  const std::string path_ = dir_ / "admin.sock";
  Endpoint http_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_ =
      boost::asio::make_work_guard(io_);
  Router router_;
  EventLog log_;
  std::optional<AdminServer> server_;
  std::thread thread_;
  std::promise<void> asked_;
  std::deque<AdminReply> later_;
};

}  // namespace penstock
