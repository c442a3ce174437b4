// What systemd (or any supervisor that speaks sd_notify's datagrams) is told.
#pragma once

#include <string_view>

namespace penstock {

/// Sends e.g. "READY=1" to the socket that NOTIFY_SOCKET names; no effect where there is none.
void notify_service_manager(std::string_view state);

}  // namespace penstock
