#include "doctor/firewall.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <memory>

#include "base/text.h"
#include "doctor/kernel_setting.h"

namespace penstock::doctor {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostBytes = 8 << 20;
constexpr std::size_t kMostChains = 16;

struct ClosePipe {
  void operator()(FILE* pipe) const { ::pclose(pipe); }
};

std::string word_of(const json::object& rule, std::string_view key) {
  const auto* const value = rule.if_contains(key);
  const auto* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "?" : printable({text->data(), text->size()}, 64);
}

}  // namespace

std::vector<std::string> udp_rules_of(std::string_view ruleset) {
  std::vector<std::string> out;
  json::error_code failed;
  const json::value all = json::parse(ruleset, failed);
  const auto* const object = failed ? nullptr : all.if_object();
  const auto* const list = object == nullptr ? nullptr : object->if_contains("nftables");
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& one : list->get_array()) {
    const auto* const rule = one.is_object() ? one.get_object().if_contains("rule") : nullptr;
    if (rule == nullptr || !rule->is_object()) continue;
    if (json::serialize(*rule).find("\"udp\"") == std::string::npos) continue;
    const json::object& where = rule->get_object();
    const std::string chain =
        word_of(where, "family") + " " + word_of(where, "table") + " " + word_of(where, "chain");
    if (std::find(out.begin(), out.end(), chain) == out.end() && out.size() < kMostChains)
      out.push_back(chain);
  }
  return out;
}

std::vector<std::string> udp_rules() {
  const std::unique_ptr<FILE, ClosePipe> pipe{::popen("nft -j list ruleset 2>/dev/null", "re")};
  if (!pipe) return {};
  std::string text;
  std::array<char, 16384> piece{};
  for (std::size_t got = 0; (got = ::fread(piece.data(), 1, piece.size(), pipe.get())) > 0;) {
    text.append(piece.data(), got);
    if (text.size() > kMostBytes) return {};
  }
  return udp_rules_of(text);
}

bool tracks_connections() {
  return kernel_number("net/netfilter/nf_conntrack_count").value_or(0) > 0;
}

}  // namespace penstock::doctor
