#include "node/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/file_descriptor.h"
#include "unit/config/temporary_directory.h"

namespace penstock {
namespace {

/// A service manager's end: a datagram socket of that name; '@' before it means an abstract one.
class Manager {
 public:
  explicit Manager(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0)
        << std::strerror(errno);
  }
  /// The next datagram; "nothing" where none has arrived.
  std::string heard() const {
    std::array<char, 256> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return got < 0 ? "nothing" : std::string{buffer.data(), static_cast<std::size_t>(got)};
  }

 private:
  FileDescriptor socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

class ServiceManagerTest : public testing::Test {
 protected:
  ~ServiceManagerTest() override { ::unsetenv("NOTIFY_SOCKET"); }
  static void name(const std::string& socket) { ::setenv("NOTIFY_SOCKET", socket.c_str(), 1); }

  TemporaryDirectory directory_;
};

TEST_F(ServiceManagerTest, IsToldThroughASocketInTheFileSystem) {
  const std::string path = directory_.path() + "/notify";
  const Manager manager{path};
  name(path);

  notify_service_manager("READY=1");
  notify_service_manager("STOPPING=1");

  EXPECT_EQ(manager.heard(), "READY=1");
  EXPECT_EQ(manager.heard(), "STOPPING=1");
  EXPECT_EQ(manager.heard(), "nothing");
}

TEST_F(ServiceManagerTest, IsToldThroughAnAbstractSocket) {
  const std::string abstract = "@penstock-test-" + std::to_string(::getpid());
  const Manager manager{abstract};
  name(abstract);

  notify_service_manager("RELOADING=1\nMONOTONIC_USEC=17");

  EXPECT_EQ(manager.heard(), "RELOADING=1\nMONOTONIC_USEC=17");
}

TEST_F(ServiceManagerTest, IsToldNothingWhereThereIsNone) {
  const std::string path = directory_.path() + "/notify";
  const Manager manager{path};

  ::unsetenv("NOTIFY_SOCKET");
  notify_service_manager("READY=1");
  name(directory_.path() + "/gone");
  notify_service_manager("READY=1");
  name(path + std::string(sizeof(sockaddr_un::sun_path), 'x'));
  notify_service_manager("READY=1");

  EXPECT_EQ(manager.heard(), "nothing");
}

}  // namespace
}  // namespace penstock
