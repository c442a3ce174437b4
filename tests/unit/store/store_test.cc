#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/config/temporary_directory.h"

namespace penstock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StoreTest : public testing::Test {
 protected:
  Store open() {
    auto store = Store::open(directory_.path());
    EXPECT_TRUE(store) << store.error().what;
    return std::move(*store);
  }
  std::string refusal() {
    const auto store = Store::open(directory_.path());
    EXPECT_FALSE(store);
    return store ? "" : store.error().what;
  }
  std::string path() const { return directory_.path() + "/penstock.db"; }
  /// Changes the file behind the store's back.
  void change(const std::string& sql) {
    auto database = Database::open(path());
    ASSERT_TRUE(database);
    const auto done = database->execute(sql);
    ASSERT_TRUE(done) << done.error().what;
  }

  /// Makes a store of several pages.
  void fill() {
    { const Store store = open(); }
    change(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
        "INSERT INTO edges SELECT 'edge-' || i, randomblob(16), randomblob(32), NULL, NULL, 0, 0 FROM n");
    ASSERT_GT(std::filesystem::file_size(path()), 12288U);
  }

  TemporaryDirectory directory_;
};

EdgeRecord edge(std::string id) {
  return {.id = std::move(id), .current = make_edge_secret("secret"), .created = 1'700'000'000};
}

Service service(std::string name, std::uint16_t port) {
  Service made{.name = std::move(name), .target = {"web", 8000, true}, .client = ClientHeader::kProxyV1};
  made.ports.add({port, port});
  return made;
}

TEST_F(StoreTest, BeginsEmptyInAFileForItsOwnerAlone) {
  Store store = open();

  EXPECT_THAT(*store.edges(), IsEmpty());
  EXPECT_THAT(*store.services(), IsEmpty());
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(StoreTest, TakesAwayWhatOthersMayDoWithTheFile) {
  { const Store store = open(); }
  ASSERT_EQ(::chmod(path().c_str(), 0644), 0);

  const Store store = open();

  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(StoreTest, KeepsEdgesAcrossReopening) {
  const EdgeRecord b = edge("b");
  const EdgeRecord a = rotate(edge("a:1/x"), "new", 1'700'000'100);
  {
    Store store = open();
    ASSERT_TRUE(store.put_edge(b));
    ASSERT_TRUE(store.put_edge(a));
    EXPECT_THAT(*store.edges(), ElementsAre(a, b));
  }
  EXPECT_THAT(*open().edges(), ElementsAre(a, b));
}

TEST_F(StoreTest, PutReplacesAnEdgeWhole) {
  Store store = open();
  const EdgeRecord before = rotate(edge("a"), "new", 5);
  ASSERT_TRUE(store.put_edge(before));

  const auto after = settle(before, SecretMatch::kCurrent, 6);
  ASSERT_TRUE(store.put_edge(*after));

  EXPECT_THAT(*store.edges(), ElementsAre(*after));
}

TEST_F(StoreTest, RemovesEdges) {
  Store store = open();
  const EdgeRecord b = edge("b");
  ASSERT_TRUE(store.put_edge(edge("a")));
  ASSERT_TRUE(store.put_edge(b));

  EXPECT_TRUE(store.remove_edge("a"));
  EXPECT_THAT(*store.edges(), ElementsAre(b));

  const auto again = store.remove_edge("a");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kNotFound);
  EXPECT_THAT(again.error().what, HasSubstr("no edge \"a\""));
}

TEST_F(StoreTest, RefusesIdsThatCannotBe) {
  Store store = open();

  for (const std::string& id :
       {std::string{}, std::string{"a b"}, std::string{"*"}, std::string{"a\n"}, std::string(65, 'a')}) {
    const auto put = store.put_edge(edge(id));
    ASSERT_FALSE(put) << id;
    EXPECT_EQ(put.error().code, Errc::kInvalid);
  }
  EXPECT_TRUE(store.put_edge(edge(std::string(64, 'a'))));
  EXPECT_EQ(store.edges()->size(), 1U);
}

TEST_F(StoreTest, KeepsServicesAcrossReopening) {
  Service b = service("b", 80);
  b.protocol = Protocol::kBoth;
  b.client = ClientHeader::kProxyV2;
  b.proxy_v2 = ProxyV2Mode::kSeparate;
  b.udp_idle = std::chrono::hours{2};
  const Service a = service("a", 443);
  {
    Store store = open();
    ASSERT_TRUE(store.put_service(b));
    ASSERT_TRUE(store.put_service(a));
    b.draining = true;
    ASSERT_TRUE(store.put_service(b));
  }
  EXPECT_THAT(*open().services(), ElementsAre(a, b));
}

TEST_F(StoreTest, ReadsServicesThatAnOlderVersionKept) {
  Store store = open();
  change(
      "INSERT INTO services VALUES ('a', "
      "'{\"name\":\"a\",\"protocol\":\"tcp\",\"ports\":[80],\"edges\":[\"*\"],"
      "\"target\":\"web:8000+\",\"client\":\"proxy-v1\",\"max_flows\":0,\"max_flows_per_source\":0,\"idle\":"
      "\"0s\","
      "\"draining\":false}')");

  EXPECT_THAT(*store.services(), ElementsAre(service("a", 80)));
}

TEST_F(StoreTest, RemovesServices) {
  Store store = open();
  ASSERT_TRUE(store.put_service(service("a", 80)));

  EXPECT_TRUE(store.remove_service("a"));
  EXPECT_THAT(*store.services(), IsEmpty());
  EXPECT_EQ(store.remove_service("a").error().code, Errc::kNotFound);
}

TEST_F(StoreTest, NamesAreDataAndNeverSql) {
  Store store = open();
  const EdgeRecord odd = edge("a');DROP/**/TABLE/**/edges;--");
  ASSERT_TRUE(store.put_edge(odd));

  EXPECT_FALSE(store.remove_edge("' OR '1'='1"));

  EXPECT_THAT(*store.edges(), ElementsAre(odd));
}

TEST_F(StoreTest, AReaderThatStoppedHalfwayBlocksNoWriter) {
  Store store = open();
  ASSERT_TRUE(store.put_edge(edge("a")));
  change("INSERT INTO services VALUES ('x', 'no json'), ('y', 'no json')");
  ASSERT_FALSE(store.services());

  change("DELETE FROM services");

  EXPECT_TRUE(store.services());
}

TEST_F(StoreTest, RefusesAMissingDirectory) {
  const auto store = Store::open(directory_.path() + "/none");

  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().what, HasSubstr("/none/penstock.db"));
}

TEST_F(StoreTest, RefusesAFileThatIsNoDatabaseAndLeavesIt) {
  const std::string content(4096, 'x');
  directory_.write("penstock.db", content);

  EXPECT_THAT(refusal(), HasSubstr(path() + ": file is not a database"));

  std::ifstream file{path()};
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>{file}, {}}), content);
}

TEST_F(StoreTest, RefusesADamagedFile) {
  fill();
  {
    std::fstream file{path(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(4096);
    file << std::string(2048, '\xff');
  }

  EXPECT_THAT(refusal(), HasSubstr(path() + " is damaged"));
}

TEST_F(StoreTest, RefusesATruncatedFile) {
  fill();
  std::filesystem::resize_file(path(), 4096);

  EXPECT_THAT(refusal(), HasSubstr(path() + ": database disk image is malformed"));
}

TEST_F(StoreTest, RefusesANewerSchemaAndLeavesIt) {
  { const Store store = open(); }
  change("PRAGMA user_version = 2");

  EXPECT_THAT(refusal(), HasSubstr("has schema 2 and this version knows 1"));

  change("PRAGMA user_version = 1");
  open();
}

TEST_F(StoreTest, RefusesTheDatabaseOfAnotherProgram) {
  directory_.write("penstock.db", "");
  change("CREATE TABLE theirs (x)");

  EXPECT_THAT(refusal(), HasSubstr("is the database of another program"));
}

TEST_F(StoreTest, RefusesRowsThatItCannotHaveWritten) {
  Store store = open();
  change("INSERT INTO edges VALUES ('short', x'00', x'00', NULL, NULL, 0, 0)");
  EXPECT_THAT(store.edges().error().what, HasSubstr("the stored edge \"short\""));

  change("UPDATE edges SET salt = zeroblob(16), hash = zeroblob(32), previous_salt = x'00'");
  EXPECT_FALSE(store.edges());

  change("UPDATE edges SET previous_salt = NULL, id = 'a b'");
  EXPECT_FALSE(store.edges());

  change("UPDATE edges SET id = 'a'");
  EXPECT_TRUE(store.edges());

  change("INSERT INTO services VALUES ('web', '{}')");
  EXPECT_THAT(store.services().error().what, HasSubstr("the stored service \"web\": name: is missing"));
}

TEST_F(StoreTest, AWriteThatAnotherHoldsUpIsRefusedAndLeavesNothing) {
  Store store = open();
  auto other = Database::open(path());
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->execute("BEGIN EXCLUSIVE"));

  const auto put = store.put_edge(edge("a"));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Errc::kUnavailable);
  EXPECT_THAT(put.error().what, HasSubstr("locked"));

  ASSERT_TRUE(other->execute("ROLLBACK"));
  EXPECT_THAT(*store.edges(), IsEmpty());
  EXPECT_TRUE(store.put_edge(edge("a")));
}

}  // namespace
}  // namespace penstock
