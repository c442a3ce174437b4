// The daemon's JSON as text for people. Pure; an empty view says what to do.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

namespace penstock::ctl {

std::string view_status(const boost::json::object& status);
std::string view_edges(const boost::json::object& edges);
std::string view_services(const boost::json::object& services);
std::string view_ports(const boost::json::object& ports);
std::string view_flows(const boost::json::object& flows);
std::string view_sessions(const boost::json::object& sessions);
/// The books, the reasons of drops, and whether they balance, by the daemon's own word.
std::string view_ledger(const boost::json::object& ledger);
/// Rules, the limits in force, and what was dropped.
std::string view_guard(const boost::json::object& guard);
std::string view_packets(const boost::json::object& packets);
std::string view_tunnels(const boost::json::object& tunnels);
/// "TIME NAME key=value ...", for one line of JSON; what is no JSON object is shown as printable text.
std::string view_event(std::string_view line);

/// "ports 80,443 at edges * to web.internal, client proxy-v2", for what a verb changed.
std::string view_service_line(const boost::json::object& service);

}  // namespace penstock::ctl
