#include "steering/path_index.h"

#include <span>
#include <type_traits>

namespace penstock {

static_assert(std::has_unique_object_representations_v<SessionPath>);  // it is hashed as the bytes that it is

std::uint64_t PathIndex::hash_of(const SessionPath& path) const {
  return sip_hash_13(key_, std::as_bytes(std::span{&path, 1}));
}

}  // namespace penstock
