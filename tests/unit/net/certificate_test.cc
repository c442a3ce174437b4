#include "net/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "net/tls_context.h"

namespace penstock {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Certificate parse(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio{
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

/// What `openssl x509 -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256` computes: the
/// way of the pin through EVP, which shares no call with the one under test.
PublicKeyHash independent_pin(const std::string& pem) {
  const Certificate certificate = parse(pem);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{X509_get_pubkey(certificate.get()),
                                                                EVP_PKEY_free};
  std::vector<unsigned char> der(static_cast<std::size_t>(i2d_PUBKEY(key.get(), nullptr)));
  unsigned char* at = der.data();
  i2d_PUBKEY(key.get(), &at);
  PublicKeyHash out{};
  unsigned int length = 0;
  EVP_Digest(der.data(), der.size(), reinterpret_cast<unsigned char*>(out.data()), &length, EVP_sha256(),
             nullptr);
  EXPECT_EQ(length, out.size());
  return out;
}

/// Made by another program (openssl req -x509 -newkey ec), with the pin that `openssl` itself gave.
constexpr const char* kForeign = R"(-----BEGIN CERTIFICATE-----
MIIBwjCCAUigAwIBAgIULC+yjN69VacuTGRcHUIrFg1KKEgwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMZm9yZWlnbi50ZXN0MCAXDTI2MTEyMDExNTg1N1oYDzIxMjYx
MDI3MTE1ODU3WjAXMRUwEwYDVQQDDAxmb3JlaWduLnRlc3QwdjAQBgcqhkjOPQIB
BgUrgQQAIgNiAAQXPSbZsL7K9OnkX6mWtNq87iuEcXe4rnS0j6asPkcdLByykPdv
d1LNCtACF0Cb5C5XEufUlFL6y5INO5HBOBJbjAifXpYWc7C0KtHEfPUoY0PpkTwo
nxUexX0LIH+43WmjUzBRMB0GA1UdDgQWBBSC0kGF838ZAoA1bPi/xfW5bWwg/DAf
BgNVHSMEGDAWgBSC0kGF838ZAoA1bPi/xfW5bWwg/DAPBgNVHRMBAf8EBTADAQH/
MAoGCCqGSM49BAMCA2gAMGUCMQCtrpLHq3NgHio+cJwFwYJqqf6mmDWH1yUjtf1A
bNBbw6XURPwFvvSEtbRxALkIK74CMBQg0dKBuYh5orpRr6MTNdDGpEgSoSYFCdLc
pkDIW1I7JUvFIOBRRnVwFWbxzJOOjQ==
-----END CERTIFICATE-----
)";
constexpr const char* kForeignPin = "d3b277c1b0c0ebcd7923f0e361937ef55cc7ed2696f639c0969107d7ccab9b1a";

TEST(CertificateTest, HasThePinThatOpensslComputes) {
  EXPECT_EQ(to_hex(public_key_hash_of_pem(kForeign).value()), kForeignPin);
  const auto made = make_certificate("hub.test").value();
  EXPECT_EQ(public_key_hash_of_pem(made.certificate_pem).value(), independent_pin(made.certificate_pem));
}

TEST(CertificateTest, IsAP256KeyThatSignedItsOwnNameForTenYears) {
  const auto made = make_certificate("hub.test").value();
  const Certificate certificate = parse(made.certificate_pem);
  ASSERT_NE(certificate, nullptr);
  EVP_PKEY* const key = X509_get0_pubkey(certificate.get());
  std::array<char, 32> group{};
  EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr);
  EXPECT_STREQ(group.data(), "prime256v1");
  EXPECT_EQ(X509_verify(certificate.get(), key), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "hub.test", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "other.test", 0, 0, nullptr), 0);
  int days = 0;
  int seconds = 0;
  ASSERT_EQ(ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())), 1);
  EXPECT_NEAR(days, 3650, 2);
  EXPECT_LT(X509_cmp_current_time(X509_get0_notBefore(certificate.get())), 0);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> serial{
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr), BN_free};
  EXPECT_EQ(BN_num_bits(serial.get()), 127);
}

TEST(CertificateTest, IsAnotherOneEveryTime) {
  const auto one = make_certificate("hub").value();
  const auto two = make_certificate("hub").value();
  EXPECT_NE(one.key_pem, two.key_pem);
  EXPECT_NE(public_key_hash_of_pem(one.certificate_pem).value(),
            public_key_hash_of_pem(two.certificate_pem).value());
}

TEST(CertificateTest, HasAKeyThatAServerCanUse) {
  const auto made = make_certificate("hub").value();
  const auto other = make_certificate("hub").value();
  EXPECT_TRUE(TlsContext::server(made.certificate_pem, made.key_pem));
  const auto mixed = TlsContext::server(made.certificate_pem, other.key_pem);
  ASSERT_FALSE(mixed);
  EXPECT_THAT(mixed.error().what, testing::StartsWith("the key does not belong to the certificate"));
}

TEST(CertificateTest, RefusesWhatIsNoCertificate) {
  for (const std::string& text :
       {std::string{}, std::string{"hello"}, make_certificate("hub").value().key_pem}) {
    const auto hash = public_key_hash_of_pem(text);
    ASSERT_FALSE(hash);
    EXPECT_THAT(hash.error().what, testing::StartsWith("cannot read the certificate"));
    EXPECT_FALSE(TlsContext::server(text, text));
    EXPECT_FALSE(TlsContext::client_ca(text));
  }
}

}  // namespace
}  // namespace penstock
