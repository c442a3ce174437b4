#include "penstockctl/token.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <istream>
#include <ostream>
#include <utility>

#include "base/file_descriptor.h"
#include "base/text.h"
#include "penstockctl/table.h"
#include "proto/token.h"

namespace penstock::ctl {
namespace {

constexpr std::size_t kMaxInput = 64 * 1024;

Result<std::string> token_text(const Invocation& invocation, std::istream& in) {
  if (const std::string* file = invocation.value("file")) return read_file(*file, kMaxInput);
  std::string text(kMaxInput + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxInput) return error(Errc::kInvalid, "standard input is longer than a token can be");
  return text;
}

std::string as_json(const Token& token) {
  boost::json::array pins;
  for (const KeyPin& pin : token.pins) pins.emplace_back(to_string(pin));
  return boost::json::serialize(boost::json::object{
      {"hub", token.hub.to_string()}, {"edge", token.edge_id}, {"pins", std::move(pins)}});
}

std::string as_text(const Token& token) {
  Sheet sheet;
  sheet.add("hub", token.hub.to_string());
  sheet.add("edge", printable(token.edge_id, 64));
  sheet.add("secret", std::to_string(token.secret.size()) + " characters, not shown");
  for (const KeyPin& pin : token.pins) sheet.add("pin", to_string(pin));
  if (token.pins.empty())
    sheet.add("pin", "none: the edge needs edge.pins, edge.ca_file or insecure_accept_any_hub");
  return sheet.text();
}

}  // namespace

Result<void> decode_token_text(const Invocation& invocation, Env& env) {
  auto text = token_text(invocation, env.in);
  if (!text) return std::move(text).error();
  const auto token = decode_token(*text);
  if (!token) return Error{token.error()}.within("this is no token");
  env.out << (invocation.json ? as_json(*token) + "\n" : as_text(*token));
  return {};
}

}  // namespace penstock::ctl
