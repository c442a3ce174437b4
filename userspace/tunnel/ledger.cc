#include "tunnel/ledger.h"

namespace penstock {
namespace {

struct Kind {
  bool flows = false;
  bool direct = false;
  bool to_client = false;
};

LedgerRow row_of(const ServiceLedger& of, const LedgerLine& line, const Kind& kind) {
  LedgerRow row{.service = std::string{of.service},
                .edge = std::string{of.edge},
                .flows = kind.flows,
                .direct = kind.direct,
                .to_client = kind.to_client,
                .received = line.received.get(),
                .received_bytes = line.received_bytes.get(),
                .sent = line.sent.get(),
                .sent_bytes = line.sent_bytes.get(),
                .held = line.held.get(),
                .held_bytes = line.held_bytes.get(),
                .dropped_bytes = line.dropped_bytes.get(),
                .dropped = {}};
  for (const ReasonInfo& info : kReasons) {
    const std::uint64_t count = line.dropped[static_cast<std::size_t>(info.reason)].get();
    if (count > 0) row.dropped[info.reason] = count;
  }
  return row;
}

}  // namespace

void ServiceLedger::open_flow() {
  for (LedgerLine* const line : {&flows_to_backend, &flows_to_client}) {
    line->receive(0);
    line->hold(0);
  }
}

void ServiceLedger::end_flow(Reason reason) {
  for (LedgerLine* const line : {&flows_to_backend, &flows_to_client}) {
    line->release(0);
    if (reason == PST_R_COMPLETED) {
      line->send(0);
    } else {
      line->drop(reason, 0);
    }
  }
}

std::uint64_t LedgerRow::dropped_total() const {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : dropped) sum += count;
  return sum;
}

bool LedgerRow::balances() const {
  return received == sent + held + dropped_total() &&
         received_bytes == sent_bytes + held_bytes + dropped_bytes;
}

LedgerRow& LedgerRow::operator+=(const LedgerRow& other) {
  received += other.received;
  received_bytes += other.received_bytes;
  sent += other.sent;
  sent_bytes += other.sent_bytes;
  held += other.held;
  held_bytes += other.held_bytes;
  dropped_bytes += other.dropped_bytes;
  for (const auto& [reason, count] : other.dropped) dropped[reason] += count;
  return *this;
}

ServiceLedger& Ledger::of(const std::string& service, const std::string& edge) {
  const auto [entry, fresh] = books_.try_emplace({service, edge});
  if (fresh) {
    entry->second.service = entry->first.first;
    entry->second.edge = entry->first.second;
  }
  return entry->second;
}

std::vector<LedgerRow> Ledger::rows() const {
  std::vector<LedgerRow> out;
  const auto add = [&](const ServiceLedger& of, const LedgerLine& line, const Kind& kind) {
    const bool blank = line.received.get() == 0 && line.received_bytes.get() == 0;
    if (!blank) out.push_back(row_of(of, line, kind));
  };
  for (const auto& [key, ledger] : books_) {
    add(ledger, ledger.to_backend, {});
    add(ledger, ledger.to_client, {.to_client = true});
    add(ledger, ledger.direct_to_backend, {.direct = true});
    add(ledger, ledger.direct_to_client, {.direct = true, .to_client = true});
    add(ledger, ledger.flows_to_backend, {.flows = true});
    add(ledger, ledger.flows_to_client, {.flows = true, .to_client = true});
  }
  return out;
}

}  // namespace penstock
