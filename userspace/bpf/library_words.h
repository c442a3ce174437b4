// What libbpf and libxdp say of their failures, for our own errors.
#pragma once

#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include <cstddef>
#include <string>

namespace penstock {

/// While it lives, what the libraries say is kept instead of printed: warnings of libbpf, the verifier's log
/// among them, and all of libxdp but what is for debugging. At most 1 MiB of each thread; not to be nested.
class LibraryWords {
 public:
  LibraryWords();
  ~LibraryWords();
  LibraryWords(const LibraryWords&) = delete;
  LibraryWords& operator=(const LibraryWords&) = delete;

  /// Since the latest one of this thread was made.
  static const std::string& text();
  /// Of text(), with their ends of line.
  static std::string last_lines(std::size_t count);

 private:
  const libbpf_print_fn_t libbpf_;  // before
  const libxdp_print_fn_t libxdp_;
};

}  // namespace penstock
