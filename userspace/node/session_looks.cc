// UDP sessions and the ledger in the admin API. Shapes: include/penstock/api/admin.md.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <utility>

#include "admin/body.h"
#include "node/ledger_sum.h"
#include "node/node.h"
#include "tunnel/gather.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr std::size_t kSessionsShown = 100;
constexpr std::size_t kMostSessionsShown = 100'000;

// ---------------------------------------------------------------------------------------------- sessions

json::object session_row(const SessionReport& session) {
  const auto text = [](const Endpoint& endpoint) {
    return endpoint.port == 0 ? std::string{} : endpoint.to_string();
  };
  return {{"id", session.id.value()},
          {"service", session.service},
          {"edge", session.edge},
          {"client", session.client.to_string()},
          {"local", session.local.to_string()},
          {"way", session.direct ? "direct" : "tunnel"},
          {"backend", text(session.backend)},
          {"source", text(session.source)},
          {"state", session.state},
          {"age_s", seconds_of(session.age)},
          {"idle_s", seconds_of(session.idle)},
          {"to_backend", {{"datagrams", session.to_backend_datagrams}, {"bytes", session.to_backend_bytes}}},
          {"to_client", {{"datagrams", session.to_client_datagrams}, {"bytes", session.to_client_bytes}}}};
}

bool is_state(std::string_view word) {
  using enum SessionState;
  return word == to_string(kUnreplied) || word == to_string(kReplied) || word == to_string(kAssured);
}

/// Collects the rows of both roles; the reply goes out when the last role has told.
struct SessionsReply {
  SessionsReply(std::size_t most, AdminReply r) : limit{most}, reply{std::move(r)} {}
  ~SessionsReply() { reply.json(json::object{{"sessions", std::move(rows)}, {"total", total}}); }
  void add(const std::vector<SessionListing>& parts) {
    for (const SessionListing& part : parts) {
      total += part.total;
      for (const SessionReport& session : part.shown) {
        if (rows.size() < limit) rows.push_back(session_row(session));
      }
    }
  }
  std::size_t limit;
  AdminReply reply;
  json::array rows;
  std::size_t total = 0;
};

void list_sessions(Node& node, const AdminRequest& request, AdminReply reply) {
  const auto get = [&](std::string_view name) {
    const std::string* const value = request.query(name);
    return value == nullptr ? std::string{} : *value;
  };
  const auto limit = query_number(request, "limit", kSessionsShown, kMostSessionsShown);
  if (!limit) return reply.error(limit.error());
  const SessionFilter filter{
      .service = get("service"), .edge = get("edge"), .client = get("client"), .state = get("state")};
  if (!filter.state.empty() && !is_state(filter.state))
    return reply.error(400, "state: must be unreplied, replied or assured");
  const auto held = std::make_shared<SessionsReply>(*limit, std::move(reply));
  const auto ask = [filter, most = *limit](auto& worker) {
    return std::vector<SessionListing>{worker.sessions().sessions(filter, most)};
  };
  const auto done = [held](const std::vector<SessionListing>& parts) { held->add(parts); };
  if (Hub* const hub = node.hub()) gather<SessionListing>(node.control(), *hub, ask, done);
  if (Edge* const edge = node.edge()) gather<SessionListing>(node.control(), *edge, ask, done);
}

// ---------------------------------------------------------------------------------------------- ledger

json::object ledger_row(const LedgerSum& sum) {
  const LedgerRow& row = sum.row;
  json::object dropped;
  for (const auto& [reason, count] : row.dropped) dropped[label_of(reason)] = count;
  return {{"service", row.service},
          {"unit", row.flows ? "flows" : "datagrams"},
          {"hop", sum.hop},
          {"received", row.received},
          {"sent", row.sent},
          {"held", row.held},
          {"dropped", row.dropped_total()},
          {"reasons", std::move(dropped)},
          {"bytes",
           {{"received", row.received_bytes},
            {"sent", row.sent_bytes},
            {"held", row.held_bytes},
            {"dropped", row.dropped_bytes}}},
          {"balanced", row.balances()}};
}

json::object between_row(const TunnelBook& book, Time now) {
  json::object row{{"edge", book.edge},
                   {"unit", book.streams ? "streams" : "datagrams"},
                   {"direction", book.to_client ? "to_client" : "to_backend"}};
  if (!book.streams) {
    row["sent"] = book.sent;
    row["received"] = book.received;
    row["missing"] = book.missing();
  }
  row["bytes"] = {
      {"sent", book.sent_bytes}, {"received", book.received_bytes}, {"missing", book.missing_bytes()}};
  row["age_s"] = seconds_of(now - book.reported);
  return row;
}

/// Collects the lines of both roles; the reply goes out when the last role has told.
struct LedgerReply {
  explicit LedgerReply(AdminReply r) : reply{std::move(r)} {}
  ~LedgerReply() {
    reply.json(
        json::object{{"balanced", balanced}, {"rows", std::move(rows)}, {"between", std::move(between)}});
  }
  AdminReply reply;
  json::array rows;
  json::array between;
  bool balanced = true;
};

void show_ledger(Node& node, AdminReply reply) {
  const auto held = std::make_shared<LedgerReply>(std::move(reply));
  if (const Hub* const hub = node.hub()) {
    for (const TunnelBook& book : hub->books().list())
      held->between.push_back(between_row(book, node.control().now()));
  }
  gather_ledger(node, [held](const std::vector<LedgerSum>& sums) {
    for (const LedgerSum& sum : sums) {
      held->balanced = held->balanced && sum.row.balances();
      held->rows.push_back(ledger_row(sum));
    }
  });
}

}  // namespace

void add_session_looks(Router& router, Node& node) {
  router.add("GET", "/v1/sessions", [&node](const AdminRequest& request, AdminReply reply) {
    list_sessions(node, request, std::move(reply));
  });
  router.add("GET", "/v1/ledger",
             [&node](const AdminRequest&, AdminReply reply) { show_ledger(node, std::move(reply)); });
}

}  // namespace penstock
