// The hub's own key and certificate, and the fingerprint by which edges know it.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "net/tls_context.h"

struct x509_st;

namespace penstock {

struct KeyAndCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

/// A new P-256 key and a self-signed certificate for `name`, good for ten years.
Result<KeyAndCertificate> make_certificate(const std::string& name);
/// The same for a key that there is already, in PEM: who has pinned the key trusts this certificate too.
Result<KeyAndCertificate> make_certificate(const std::string& name, const std::string& key_pem);

/// SHA-256 over the SubjectPublicKeyInfo.
std::optional<PublicKeyHash> public_key_hash(x509_st* certificate);
/// The same for the first certificate of a PEM text.
Result<PublicKeyHash> public_key_hash_of_pem(const std::string& certificate_pem);
/// Why a server with this key is refused; the key as `edge.pins` would have it.
std::string not_pinned(const PublicKeyHash& key);

}  // namespace penstock
