#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace penstock {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "penstock"; }
  std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::kInvalid:
        return "invalid";
      case Errc::kNotFound:
        return "not found";
      case Errc::kExists:
        return "exists already";
      case Errc::kRefused:
        return "refused";
      case Errc::kProtocol:
        return "protocol error";
      case Errc::kLimit:
        return "limit reached";
      case Errc::kUnavailable:
        return "unavailable";
    }
    return "unknown";
  }
};

}  // namespace

const boost::system::error_category& penstock_category() noexcept {
  static const Category category;
  return category;
}

Error system_error(std::string_view doing, int error_number) {
  const boost::system::error_code code{error_number, boost::system::system_category()};
  return Error{code, code.message()}.within(doing);
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  std::fprintf(stderr, "%s:%u: a result was used that holds an error: %s\n", where.file_name(),
               static_cast<unsigned>(where.line()), error.what.c_str());
  std::abort();
}

}  // namespace penstock
