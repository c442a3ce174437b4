#include "penstockctl/command.h"

#include <array>

#include "penstockctl/guard_verbs.h"
#include "penstockctl/host_commands.h"
#include "penstockctl/nouns.h"
#include "penstockctl/token.h"
#include "penstockctl/verbs.h"

namespace penstock::ctl {
namespace {

constexpr std::array kGlobalOptions{
    Option{"socket", "PATH",
           "the daemon's admin socket; default $PENSTOCK_SOCKET,\n"
           "else /run/penstock/admin.sock"},
    Option{"json", "", "the daemon's JSON as it is, instead of text for people"},
    Option{"help", "", "help for the command"},
};

constexpr std::array kFlowOptions{
    Option{"service", "NAME", "only flows of that service"},
    Option{"client", "ADDRESS", "only flows of that client's IP address"},
    Option{"edge", "ID", "only flows that came in at that edge"},
    Option{"limit", "N", "show at most N; default 100"},
};
constexpr std::array kSessionOptions{
    Option{"service", "NAME", "only sessions of that service"},
    Option{"client", "ADDR[:PORT]", "only sessions of that client: an IP address, or one with its port"},
    Option{"state", "STATE", "only unreplied, replied or assured ones"},
    Option{"edge", "ID", "only sessions that came in at that edge"},
    Option{"limit", "N", "show at most N; default 100"},
};
constexpr std::array kGuardOptions{
    Option{"within", "PREFIX", "only rules that lie in PREFIX, or that hold it"},
    Option{"limit", "N", "show at most N rules; default 100"},
};
constexpr std::array kEventOptions{Option{"follow", "", "wait for new events and print them as they happen"}};
constexpr std::array kTokenOptions{
    Option{"file", "FILE", "read the token from FILE instead of standard input"}};

constexpr Option kHub{"hub", "HOST:PORT", "where the edge is to dial; default hub.public of the hub's file"};
constexpr std::array kEdgeAddOptions{
    kHub,
    Option{"secret-file", "FILE", "take the secret from FILE (mode 0600) instead of a new one"},
};
constexpr std::array kEdgeRotateOptions{kHub};

constexpr std::array kServiceOptions{
    Option{"ports", "LIST", "public ports: numbers and ranges, as in 80,8000-8100"},
    Option{"protocol", "WHAT", "what the ports take: tcp (default), udp or both"},
    Option{"target", "TARGET", "HOST (same port), HOST:PORT, or HOST:PORT+ (shifted range)"},
    Option{"client", "HOW",
           "how the backend learns the client's address:\n"
           "none (default), proxy-v1 (TCP alone), proxy-v2, or as the\n"
           "sender's of what it gets (transparent, UDP alone)"},
    Option{"proxy-v2", "WHERE",
           "where the header of proxy-v2 goes on UDP: before every datagram\n"
           "(every, default), before the first of a session (first), or\n"
           "into a datagram of its own before the first (separate)"},
    Option{"way", "WAY",
           "how UDP goes from an edge to the backend: by the hub (tunnel,\n"
           "default), or straight, where the edge permits it (direct)"},
    Option{"edges", "IDS", "edges that serve it, as in fra1,ams1; default * (all)"},
    Option{"max-flows", "N",
           "TCP connections at once, and UDP sessions at once;\n"
           "0 (default): no limit of its own"},
    Option{"max-flows-per-source", "N", "the same of one source; 0 (default): no limit of its own"},
    Option{"idle", "TIME", "reset connections silent this long, as in 5m; 0s (default): never"},
    Option{"udp-idle", "TIME", "end UDP sessions silent this long, as in 5m; default 60s"},
};
constexpr Option kConfig{"config", "FILE",
                         "the daemon's configuration; default $PENSTOCK_CONFIG,\n"
                         "else /etc/penstock/penstock.toml if it exists"};
constexpr std::array kDoctorOptions{
    kConfig,
    Option{"try", "", "also attach a program that does nothing to each interface"},
};
constexpr std::array kDetachOptions{
    kConfig,
    Option{"force", "", "also while a daemon answers"},
};
constexpr std::array kDrainOptions{Option{"off", "", "take new flows of SERVICE again"}};

using enum Command::Kind;

// Nouns look and never touch; verbs change one thing and say what they changed.
constexpr std::array kCommands{
    Command{"status",
            kNoun,
            "",
            {},
            "what the node does, at a glance",
            "Shows roles, readiness, flows, sessions, bytes, windows, and why flows,\n"
            "sessions, datagrams and carriers ended. \"ready: no\" tells why.",
            show_status},
    Command{"edges",
            kNoun,
            "",
            {},
            "edges that this hub knows",
            "Shows the edges of the configuration file and those that were added here,\n"
            "and which of them are connected.",
            show_edges},
    Command{"services",
            kNoun,
            "",
            {},
            "services, their ports and traffic",
            "Shows the services of the configuration file and those that were added here.",
            show_services},
    Command{"ports",
            kNoun,
            "",
            {},
            "what became of each assigned port",
            "Shows for each edge, service and protocol whether the ports are listening,\n"
            "failed (with the reason), pending, or offline because the edge is not\n"
            "connected. On a hub: of all edges; on an edge: its own.",
            show_ports},
    Command{"flows", kNoun, "", kFlowOptions, "open flows of TCP",
            "Shows open flows: who is connected to what, for how long, with how many bytes.", show_flows},
    Command{"sessions", kNoun, "", kSessionOptions, "open sessions of UDP",
            "Shows open sessions: which client talks to what, for how long, with how many\n"
            "datagrams and bytes each way. SOURCE is the hub's own end towards the backend;\n"
            "both are known to the hub alone. A session is unreplied until the backend\n"
            "answers, replied until the client sends again, and assured from then on.",
            show_sessions},
    Command{"ledger",
            kNoun,
            "",
            {},
            "the books: what came, went and was dropped",
            "Shows for each service and hop what this node received, sent, holds and\n"
            "dropped since its start, and the reasons of drops: datagrams of UDP, and flows\n"
            "of TCP, which are held while open and sent when completed. BYTES are those\n"
            "received. A line balances when received = sent + held + dropped; the exit\n"
            "status is 1 when one does not.",
            show_ledger},
    Command{"guard", kNoun, "", kGuardOptions, "who may send to public UDP ports, and how fast",
            "Shows which sources are blocked, the limits in force (section [guard] of the\n"
            "configuration) and what was dropped for them. The longest prefix that holds a\n"
            "source counts. Where sockets steer there is no guard: status tells.",
            show_guard},
    Command{"packets",
            kNoun,
            "",
            {},
            "what the kernel programs did with packets",
            "Shows packets and bytes by program and reason, since the programs' maps were\n"
            "made: they outlive the daemon. Reasons are explained in docs/reasons.md.",
            show_packets},
    Command{"tunnels",
            kNoun,
            "",
            {},
            "tunnels and their carriers",
            "Shows for each tunnel its carriers: of QUIC or TLS, addresses, cipher, round\n"
            "trip, traffic; of QUIC also what was LOST of the packets sent, how many came\n"
            "MARKED for congestion on their way (ECN), the congestion WINDOW, and how often\n"
            "the edge MOVED to another address. RESUMED handshakes took up an earlier one.",
            show_tunnels},
    Command{"events", kNoun, "", kEventOptions, "what happened lately",
            "Prints the last events that the daemon keeps (up to 1024). With --follow, only\n"
            "new ones, one line each as they happen, until the daemon stops.\n"
            "\"events_lost\" tells that this reader was too slow for some.",
            show_events},
    Command{"metrics",
            kNoun,
            "",
            {},
            "counters, in Prometheus's text form",
            "Prints the page of GET /metrics. It has no --json form.",
            show_metrics},
    Command{"edges add", kVerb, "ID", kEdgeAddOptions, "let a new edge in, and print its token",
            "Adds an edge and prints its token, alone, on standard output. The edge needs it\n"
            "in a file with mode 0600 (edge.token_file). It is not shown again.",
            add_edge},
    Command{"edges rotate", kVerb, "ID", kEdgeRotateOptions, "give an edge a new secret",
            "Makes a new secret and prints the new token. The old secret is good until the\n"
            "new one is used, or 24 hours have passed.",
            rotate_edge},
    Command{"edges remove",
            kVerb,
            "ID",
            {},
            "shut an edge out",
            "Removes an edge, closes its tunnel and resets its flows.",
            remove_edge},
    Command{"services add", kVerb, "NAME", kServiceOptions, "serve new ports",
            "Adds a service. --ports and --target are needed.", add_service},
    Command{"services set", kVerb, "NAME", kServiceOptions, "change a service",
            "Changes what the options name and leaves the rest. Open flows live on, unless\n"
            "their port is gone.",
            set_service},
    Command{"services remove",
            kVerb,
            "NAME",
            {},
            "serve its ports no more",
            "Removes a service and resets its flows. To let flows end first: drain.",
            remove_service},
    Command{"ports add",
            kVerb,
            "SERVICE LIST",
            {},
            "give a service more ports",
            "Adds ports to a service: numbers and ranges, as in 80,8000-8100.",
            add_ports},
    Command{"ports remove",
            kVerb,
            "SERVICE LIST",
            {},
            "take ports from a service",
            "Removes ports from a service and resets the flows on them.",
            remove_ports},
    Command{"guard block",
            kVerb,
            "PREFIX ...",
            {},
            "drop UDP datagrams of these sources",
            "PREFIX is an address, or a network such as 192.0.2.0/24 or 2001:db8::/32. Holds\n"
            "for assigned UDP ports alone, from the next datagram on, until it is removed.",
            guard_block},
    Command{"guard allow",
            kVerb,
            "PREFIX ...",
            {},
            "take UDP of these sources in spite of a block",
            "Makes an exception to a shorter prefix that is blocked. The limits still hold.",
            guard_allow},
    Command{"guard remove",
            kVerb,
            "PREFIX ...",
            {},
            "forget the rule of each of these prefixes",
            "Removes rules by their own prefix: one that is longer or shorter stays.",
            guard_remove},
    Command{"guard load",
            kVerb,
            "FILE",
            {},
            "set rules from FILE, or - for standard input",
            "Each line is 'block PREFIX' or 'allow PREFIX'; # begins a comment. Rules that\n"
            "FILE does not name stay. A line that is wrong is named, and nothing is set.",
            guard_load},
    Command{"drain", kVerb, "[SERVICE]", kDrainOptions, "take no new flows, keep the old",
            "With SERVICE: the service takes no new flows, until --off. Without: the whole\n"
            "node takes none and tells its peers, until it is restarted. Open flows live on.",
            drain},
    Command{"reload",
            kVerb,
            "",
            {},
            "read the configuration file again",
            "Applies what differs and says what it changed, and what needs a restart. A file\n"
            "with a mistake changes nothing.",
            reload},
    Command{"log-level",
            kVerb,
            "LEVEL",
            {},
            "log more or less",
            "LEVEL is debug, info, warning or error; forgotten when the daemon is restarted.",
            set_log_level},
    Command{"doctor", kOwn, "", kDoctorOptions, "what this host offers a daemon, and how it will steer",
            "Looks at kernel, interfaces and settings, tries in a network namespace of its\n"
            "own what can only be tried, and says what to change. Asks no daemon and changes\n"
            "nothing; needs root for most. --try attaches a program to live interfaces for a\n"
            "moment, which some drivers answer with a short loss of link. Exit status: 0 all\n"
            "good, 1 works with warnings, 2 cannot work as configured.",
            run_doctor},
    Command{"detach", kOwn, "", kDetachOptions, "take a node's kernel programs off this host",
            "Removes programs, maps and pins, the steering device and its address. A daemon\n"
            "leaves them so that UDP sessions outlive its restart: this is for good. Needs\n"
            "root, and refuses while a daemon answers on the admin socket.",
            detach_programs},
    Command{"token decode", kOwn, "", kTokenOptions, "what is in a token, without its secret",
            "Reads a token from standard input, or a file, and shows hub, edge and\n"
            "fingerprints. Asks no daemon.",
            decode_token_text},
    Command{"help",
            kOwn,
            "[COMMAND ...]",
            {},
            "this overview, or help for a command",
            "Shows all commands, or how to use one, or those of a noun.",
            show_help},
    Command{"version",
            kOwn,
            "",
            {},
            "the version of penstockctl",
            "Shows the version of this program; status shows the daemon's.",
            show_version},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

std::span<const Option> global_options() {
  return kGlobalOptions;
}

const Command* find_command(std::string_view name) {
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

}  // namespace penstock::ctl
