// A blocking unix socket whose every wait has a deadline, in the form that Boost.Beast reads and writes.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <string>

#include "base/error.h"
#include "base/file_descriptor.h"
#include "base/time.h"

namespace penstock::ctl {

class TimedSocket {
 public:
  /// Errors say what to do about a daemon that is not there, or a socket that may not be opened.
  static Result<TimedSocket> connect(const std::string& path, Time deadline);

  /// Waits fail with timed_out after this.
  void expires_at(Time deadline) { deadline_ = deadline; }

  // Boost.Beast's SyncReadStream and SyncWriteStream.
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& buffers, boost::system::error_code& failed) {
    const boost::asio::mutable_buffer first{*boost::asio::buffer_sequence_begin(buffers)};
    return read(first.data(), first.size(), failed);
  }
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& buffers, boost::system::error_code& failed) {
    for (auto at = boost::asio::buffer_sequence_begin(buffers);
         at != boost::asio::buffer_sequence_end(buffers); ++at) {
      const boost::asio::const_buffer each{*at};
      if (each.size() != 0) return write(each.data(), each.size(), failed);
    }
    failed = {};
    return 0;
  }
  // The concepts ask for the throwing forms too; nobody calls them.
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& buffers);
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& buffers);

 private:
  TimedSocket(FileDescriptor socket, Time deadline) : socket_{std::move(socket)}, deadline_{deadline} {}

  bool wait(short events, boost::system::error_code& failed) const;
  std::size_t read(void* into, std::size_t size, boost::system::error_code& failed);
  std::size_t write(const void* from, std::size_t size, boost::system::error_code& failed);

  FileDescriptor socket_;
  Time deadline_;
};

}  // namespace penstock::ctl
