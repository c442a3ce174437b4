#include "hub/hub_identity.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include "base/file_descriptor.h"
#include "net/certificate.h"

namespace penstock {
namespace {

constexpr std::size_t kPemLimit = 256 << 10;

Result<KeyAndCertificate> read_pair(const std::string& certificate_file, const std::string& key_file) {
  auto certificate = read_file(certificate_file, kPemLimit);
  if (!certificate) return certificate.error();
  auto key = read_secret_file(key_file, kPemLimit);
  if (!key) return key.error();
  return KeyAndCertificate{*certificate, *key};
}

Result<KeyAndCertificate> generate(const std::string& name, const std::string& certificate_file,
                                   const std::string& key_file) {
  auto made = make_certificate(name);
  if (!made) return made;
  // The key first: a certificate without its key would be taken for a damaged pair.
  auto kept = write_file(key_file, made->key_pem, 0600);
  if (kept) kept = write_file(certificate_file, made->certificate_pem, 0644);
  if (!kept) return kept.error();
  return made;
}

Result<KeyAndCertificate> certify_again(const std::string& name, const std::string& certificate_file,
                                        const std::string& key_file) {
  auto key = read_secret_file(key_file, kPemLimit);
  if (!key) return key.error();
  auto made = make_certificate(name, *key);
  if (!made) return std::move(made).error().within(key_file);
  auto kept = write_file(certificate_file, made->certificate_pem, 0644);
  if (!kept) return kept.error();
  return made;
}

Result<KeyAndCertificate> find_pair(const Config& config) {
  if (!config.hub->certificate.empty()) return read_pair(config.hub->certificate, config.hub->key);
  const std::string certificate_file = config.node.state_dir + "/hub.crt";
  const std::string key_file = config.node.state_dir + "/hub.key";
  if (::access(certificate_file.c_str(), F_OK) == 0) return read_pair(certificate_file, key_file);
  if (::access(key_file.c_str(), F_OK) == 0)
    return certify_again(config.node.name, certificate_file, key_file);
  return generate(config.node.name, certificate_file, key_file);
}

/// As lasting as the key, and of no use for anything else.
QuicSecret quic_secret_of(const std::string& key_pem) {
  constexpr std::string_view kPurpose = "penstock quic tokens and resets";
  QuicSecret secret{};
  HMAC(EVP_sha256(), key_pem.data(), static_cast<int>(key_pem.size()),
       reinterpret_cast<const unsigned char*>(kPurpose.data()), kPurpose.size(),
       reinterpret_cast<unsigned char*>(secret.data()), nullptr);
  return secret;
}

}  // namespace

Result<HubIdentity> load_hub_identity(const Config& config) {
  auto pair = find_pair(config);
  if (!pair) return std::move(pair).error().within("the hub's certificate and key");
  auto pin = public_key_hash_of_pem(pair->certificate_pem);
  if (!pin) return std::move(pin).error().within("the hub's certificate");
  auto context = TlsContext::server(pair->certificate_pem, pair->key_pem);
  if (!context) return std::move(context).error().within("the hub's certificate and key");
  auto quic = QuicTls::server(pair->certificate_pem, pair->key_pem, quic_secret_of(pair->key_pem));
  if (!quic) return std::move(quic).error().within("the hub's certificate and key");
  return HubIdentity{std::move(*context), *pin, std::move(*quic)};
}

}  // namespace penstock
