// All programs of bpf/, loaded once for the whole test program into one set of maps.
#pragma once

#include <bpf/libbpf.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bpf/packet.h"
#include "bpf/program_map.h"

namespace penstock {

/// What a program did with one packet.
struct TestRun {
  int verdict = -1;
  Octets packet;
};

/// The loaded programs, not attached to anything and nothing pinned. What fails ends the test program.
class BpfPrograms {
 public:
  static BpfPrograms& loaded();

  BpfMap& map(const std::string& name);
  int program(const std::string& name) const;
  std::vector<std::string> names() const;
  /// The verifier's last words about a program.
  std::string verifier_statistics(const std::string& name) const { return statistics_.at(name); }

  /// `joined`: the packet stands for so many datagrams with kJoinedBytes of payload; programs on TC only.
  TestRun run(const std::string& name, const Octets& packet, std::uint32_t joined = 0) const;
  static constexpr std::uint16_t kJoinedBytes = 100;
  /// Empties all maps but the counters.
  void clear();

 private:
  BpfPrograms();
  void load(const std::string& name, const void* elf, std::size_t size);
  void share_maps(bpf_object* object);

  struct Close {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  std::vector<std::unique_ptr<bpf_object, Close>> objects_;
  std::map<std::string, BpfMap> maps_;
  std::map<std::string, int> programs_;
  std::map<std::string, std::string> statistics_;
};

}  // namespace penstock
