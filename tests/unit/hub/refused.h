// The error of a call that must fail.
#pragma once

#include <gtest/gtest.h>

#include "base/error.h"

namespace penstock {

/// An empty error, and a failed test, where there is none.
template <class T>
Error refused(const Result<T>& result) {
  EXPECT_TRUE(result.has_error());
  return result.has_error() ? result.error() : Error{};
}

}  // namespace penstock
