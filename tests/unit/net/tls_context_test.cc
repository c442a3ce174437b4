#include "net/tls_context.h"

#include <gtest/gtest.h>

#include "net/certificate.h"

namespace penstock {
namespace {

std::string fault(const Result<std::unique_ptr<TlsContext>>& made) {
  return made ? "none" : made.error().what.substr(0, made.error().what.find(':'));
}

TEST(TlsContextTest, SaysWhatIsWrongWithAServersFiles) {
  const auto one = make_certificate("one.example").value();
  const auto two = make_certificate("two.example").value();
  EXPECT_EQ(fault(TlsContext::server(one.certificate_pem, one.key_pem)), "none");
  EXPECT_EQ(fault(TlsContext::server(one.certificate_pem + two.certificate_pem, one.key_pem)), "none");
  EXPECT_EQ(fault(TlsContext::server("", one.key_pem)), "there is no certificate in the PEM text");
  EXPECT_EQ(fault(TlsContext::server(one.key_pem, one.key_pem)), "there is no certificate in the PEM text");
  EXPECT_EQ(fault(TlsContext::server(one.certificate_pem, "")),
            "there is no private key without passphrase in the PEM text");
  EXPECT_EQ(fault(TlsContext::server(one.certificate_pem, two.key_pem)),
            "the key does not belong to the certificate");
}

TEST(TlsContextTest, NeedsACertificateToTrustOne) {
  const auto made = make_certificate("ca.example").value();
  EXPECT_EQ(fault(TlsContext::client_ca(made.certificate_pem)), "none");
  EXPECT_EQ(fault(TlsContext::client_ca("")), "there is no CA certificate in the PEM text");
  EXPECT_EQ(fault(TlsContext::client_ca(made.key_pem)), "there is no CA certificate in the PEM text");
}

TEST(TlsContextTest, LeavesNoErrorBehindForOthersToFind) {
  const auto made = make_certificate("hub.example").value();
  ASSERT_TRUE(TlsContext::server(made.certificate_pem, made.key_pem));
  ASSERT_FALSE(TlsContext::server("garbage", made.key_pem));
  ASSERT_TRUE(TlsContext::client_ca(made.certificate_pem));
  ASSERT_FALSE(TlsContext::client_ca("garbage"));
  EXPECT_EQ(openssl_errors(), "no detail");
}

}  // namespace
}  // namespace penstock
