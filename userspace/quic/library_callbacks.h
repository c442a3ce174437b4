// What ngtcp2 calls back.
#pragma once

#include "quic/ngtcp2_compat.h"

namespace penstock {

/// The user data of the library's connection is our LibraryConnection, that of a stream our QuicStream.
ngtcp2_callbacks library_callbacks(bool server);

}  // namespace penstock
