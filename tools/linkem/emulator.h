// An emulated link: two interfaces, and a line in each direction between them.
#pragma once

#include <csignal>
#include <cstdint>

#include "base/error.h"
#include "base/time.h"
#include "linkem/line.h"
#include "linkem/options.h"
#include "linkem/port.h"

namespace penstock::linkem {

/// What became of the frames of one direction.
struct DirectionReport {
  LineCounts line;
  std::uint64_t too_long = 0;  // frames that were not taken: offloads are on at the other end
  std::uint64_t overrun = 0;   // frames that the system had no room for before we took them
  std::uint64_t refused = 0;   // by the interface, of those that passed
};

/// One thread.
class Emulator {
 public:
  static Result<Emulator> open(const Options& options);

  /// Carries frames until `end`, or until `stop` is not 0. Signals that set it are blocked elsewhere:
  /// `waiting` is the mask while it waits, so that none comes unseen.
  Result<void> run(Time end, const volatile std::sig_atomic_t& stop, const sigset_t& waiting);
  /// Once, at the end.
  DirectionReport to_right();
  DirectionReport to_left();

 private:
  Emulator(Port left, Port right, const Impairments& impairments);
  Result<void> wait(Time end, const sigset_t& waiting);
  static Result<void> carry(Port& from, Line& line, Port& to, Time now);
  static Result<void> deliver(Line& line, Port& to, Time now);
  static DirectionReport report_of(Port& from, const Line& line, const Port& to);

  Port left_, right_;
  Line to_right_, to_left_;
};

}  // namespace penstock::linkem
