// Our entry in libxdp's dispatcher: where it leads, and what it does when it leads nowhere.
#include <dispatched_xdp.skel.h>

#include "bpf/bpf_test.h"

namespace penstock {
namespace {

class DispatchedTest : public BpfTest {
 protected:
  DispatchedTest() {
    std::size_t size = 0;
    const void* const elf = dispatched_xdp__elf_bytes(&size);
    object_.reset(bpf_object__open_mem(elf, size, nullptr));
    array_ = bpf_object__find_map_by_name(object_.get(), "pst_dispatched");
    EXPECT_EQ(bpf_map__set_pin_path(array_, nullptr), 0);
    EXPECT_EQ(bpf_object__load(object_.get()), 0);
  }

  int verdict(const Packet& packet) const {
    const Octets bytes = packet.bytes();
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = bytes.data(),
                .data_size_in = static_cast<std::uint32_t>(bytes.size()), .repeat = 1);
    const bpf_program* const entry = bpf_object__find_program_by_name(object_.get(), "penstock_xdp");
    EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(entry), &options), 0);
    return static_cast<int>(options.retval);
  }

  void lead_to(const std::string& program) {
    const std::uint32_t key = 0;
    const int fd = BpfPrograms::loaded().program(program);
    ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(array_), &key, &fd, BPF_ANY), 0);
  }
  void lead_nowhere() {
    const std::uint32_t key = 0;
    ASSERT_EQ(bpf_map_delete_elem(bpf_map__fd(array_), &key), 0);
  }

 private:
  struct Close {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  std::unique_ptr<bpf_object, Close> object_;
  bpf_map* array_ = nullptr;
};

/// What every program of ours drops: it names the steering network, and comes from elsewhere.
Packet forged() {
  return from_client(kV4).ip("198.51.100.9", kSteering);
}

TEST_F(DispatchedTest, PassesAllWhenItLeadsNowhere) {
  EXPECT_EQ(verdict(forged()), XDP_PASS);
}

TEST_F(DispatchedTest, HasTheVerdictOfWhereItLeads) {
  lead_to("edge_xdp");
  EXPECT_EQ(verdict(forged()), XDP_DROP);
  EXPECT_EQ(verdict(from_client(kV4)), XDP_PASS);
  lead_to("steer_in_xdp");
  EXPECT_EQ(verdict(forged()), XDP_DROP);
  lead_nowhere();
  EXPECT_EQ(verdict(forged()), XDP_PASS);
}

}  // namespace
}  // namespace penstock
