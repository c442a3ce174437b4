#include "net/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/bytes.h"

namespace penstock {
namespace {

constexpr long kValidSeconds = 10L * 365 * 24 * 3600;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Error failed(std::string_view doing) {
  return error(Errc::kUnavailable, openssl_errors()).within(doing);
}

std::string contents(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

bool set_serial(X509* certificate) {
  std::array<std::byte, 16> bytes{};
  fill_random(bytes);
  bytes[0] = (bytes[0] & std::byte{0x3f}) | std::byte{0x40};  // positive and of full length
  BIGNUM* const number = BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr);
  const bool done = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return done;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool fill_in(X509* certificate, EVP_PKEY* key, const std::string& name) {
  X509_set_version(certificate, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kValidSeconds);
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const auto* const text = reinterpret_cast<const unsigned char*>(name.data());
  return set_serial(certificate) && X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, static_cast<int>(name.size()), -1,
                                    0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 &&
         add_extension(certificate, NID_subject_alt_name, "DNS:" + name) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

Result<KeyAndCertificate> certify(const std::string& name, const Key& key) {
  const Certificate certificate{X509_new(), X509_free};
  if (key == nullptr || certificate == nullptr || !fill_in(certificate.get(), key.get(), name)) {
    return failed("cannot make a certificate");
  }
  const Bio certificate_pem{BIO_new(BIO_s_mem()), BIO_free};
  const Bio key_pem{BIO_new(BIO_s_mem()), BIO_free};
  if (PEM_write_bio_X509(certificate_pem.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return failed("cannot write a certificate");
  }
  return KeyAndCertificate{contents(certificate_pem), contents(key_pem)};
}

}  // namespace

Result<KeyAndCertificate> make_certificate(const std::string& name) {
  return certify(name, Key{EVP_EC_gen("P-256"), EVP_PKEY_free});
}

Result<KeyAndCertificate> make_certificate(const std::string& name, const std::string& key_pem) {
  const Bio bio{BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), BIO_free};
  const Key key{PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
  if (key == nullptr) return failed("cannot read the key");
  return certify(name, key);
}

std::optional<PublicKeyHash> public_key_hash(x509_st* certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (length <= 0) return std::nullopt;
  PublicKeyHash hash{};
  SHA256(der, static_cast<std::size_t>(length), reinterpret_cast<unsigned char*>(hash.data()));
  OPENSSL_free(der);
  return hash;
}

Result<PublicKeyHash> public_key_hash_of_pem(const std::string& certificate_pem) {
  const Bio bio{BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())), BIO_free};
  const Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
  const auto hash = certificate == nullptr ? std::nullopt : public_key_hash(certificate.get());
  if (!hash) return failed("cannot read the certificate");
  return *hash;
}

std::string not_pinned(const PublicKeyHash& key) {
  return "its key " + to_base64url(key) + " is none of the pinned ones";
}

}  // namespace penstock
