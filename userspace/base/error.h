// Errors as values: what can happen returns Result<T>; what cannot, aborts.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <type_traits>

namespace penstock {

/// What callers may branch on. Errors of the operating system keep their own category.
enum class Errc {
  kInvalid = 1,  // the input does not have the form it must have
  kNotFound,     // the thing named does not exist
  kExists,       // a thing of that name exists already
  kRefused,      // understood, and not permitted
  kProtocol,     // the peer broke the protocol; its connection must end
  kLimit,        // a bound was reached
  kUnavailable,  // something needed is not there now; trying later may help
};

const boost::system::error_category& penstock_category() noexcept;
inline boost::system::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), penstock_category()};
}

/// An error: a code that callers branch on and a sentence that people read.
struct Error {
  boost::system::error_code code;
  std::string what;

  /// Adds where we were; each layer says its own part once, outermost first.
  Error within(std::string_view doing) && { return {code, std::string{doing}.append(": ").append(what)}; }
};

/// An error of the operating system: "doing: reason", with errno's code.
Error system_error(std::string_view doing, int error_number);

inline Error error(Errc code, std::string what) {
  return {make_error_code(code), std::move(what)};
}

template <class T>
using Result = boost::system::result<T, Error>;

/// Called by Result::value() when there is none: a bug of ours, so it ends the process and says which error.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

}  // namespace penstock

template <>
struct boost::system::is_error_code_enum<penstock::Errc> : std::true_type {};
