#include "hub/tunnel_books.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

constexpr Time kNow{std::chrono::hours{1}};

ReportMessage told(std::uint64_t sent, std::uint64_t received, std::uint64_t stream_bytes = 0) {
  return {.datagrams = {.sent = sent,
                        .sent_bytes = sent * 10,
                        .received = received,
                        .received_bytes = received * 10},
          .streams = {.sent_bytes = stream_bytes, .received_bytes = stream_bytes}};
}

/// The rows of a hub that received and sent so much for an edge.
std::vector<LedgerRow> counted(const std::string& edge, std::uint64_t received, std::uint64_t sent,
                               std::uint64_t stream_bytes = 0) {
  return {{.service = "dns", .edge = edge, .received = received, .received_bytes = received * 10},
          {.service = "dns", .edge = edge, .to_client = true, .sent = sent, .sent_bytes = sent * 10},
          {.service = "web", .edge = edge, .flows = true, .received_bytes = stream_bytes},
          {.service = "web", .edge = edge, .flows = true, .to_client = true, .sent_bytes = stream_bytes}};
}

TEST(TunnelBooks, TellWhatWasLostInEitherDirection) {
  TunnelBooks books;
  books.report("fra1", 1, told(0, 0), {}, kNow);
  books.report("fra1", 1, told(100, 40, 5000), counted("fra1", 97, 42, 4900), kNow);
  const auto list = books.list();
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[0].missing(), 3U);
  EXPECT_EQ(list[0].missing_bytes(), 30U);
  EXPECT_EQ(list[1].missing(), 2U);
  EXPECT_TRUE(list[1].to_client);
  EXPECT_TRUE(list[2].streams);
  EXPECT_EQ(list[2].missing_bytes(), 100U);
  EXPECT_EQ(list[3].missing_bytes(),
            0U);  // the edge cannot have received what was not sent: still on its way
  EXPECT_EQ(list[3].received_bytes, 5000U);
}

TEST(TunnelBooks, CompareFromTheFirstReportOfAnInstanceOn) {
  TunnelBooks books;
  books.report("fra1", 1, told(1000, 1000), counted("fra1", 5, 5), kNow);  // the hub was restarted
  EXPECT_EQ(books.list()[0].missing(), 0U);
  books.report("fra1", 1, told(1010, 1000), counted("fra1", 14, 5), kNow);
  EXPECT_EQ(books.list()[0].sent, 10U);
  EXPECT_EQ(books.list()[0].missing(), 1U);
  books.report("fra1", 2, told(0, 0), counted("fra1", 14, 5), kNow);  // the edge was restarted
  EXPECT_EQ(books.list()[0].missing(), 0U);
  books.report("fra1", 2, told(7, 0), counted("fra1", 21, 5), kNow);
  EXPECT_EQ(books.list()[0].received, 7U);
  EXPECT_EQ(books.list()[0].missing(), 0U);
}

TEST(TunnelBooks, KeepEdgesApartAndForgetThem) {
  TunnelBooks books;
  books.report("fra1", 1, told(0, 0), {}, kNow);
  books.report("nyc1", 9, told(0, 0), {}, kNow);
  auto rows = counted("fra1", 10, 0);
  for (LedgerRow& row : counted("nyc1", 3, 0)) rows.push_back(std::move(row));
  books.report("fra1", 1, told(10, 0), rows, kNow);
  books.report("nyc1", 9, told(4, 0), rows, kNow);
  EXPECT_EQ(books.list()[0].missing(), 0U);
  EXPECT_EQ(books.list()[4].missing(), 1U);
  books.forget("fra1");
  ASSERT_EQ(books.list().size(), 4U);
  EXPECT_EQ(books.list()[0].edge, "nyc1");
}

}  // namespace
}  // namespace penstock
