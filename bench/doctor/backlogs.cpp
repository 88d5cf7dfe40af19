// What a listener's backlog is only sock_diag(7) tells; /proc/net/tcp does not.
#include "listeners.hpp"

#ifdef __linux__
#include <array>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace weir::load {

namespace {

using Backlogs = std::map<std::uint64_t, std::uint64_t>;

struct Request {
  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

bool ask(int socket, std::uint8_t family) {
  Request request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = 1u << kListen;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  return ::sendto(socket, &request, sizeof request, 0, reinterpret_cast<const sockaddr*>(&kernel),
                  sizeof kernel) == static_cast<ssize_t>(sizeof request);
}

// False: that was all of it.
bool take(const nlmsghdr* message, std::size_t size, Backlogs& into) {
  auto left = static_cast<unsigned>(size);
  for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
    if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) return false;
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) continue;
    const auto* found = static_cast<const inet_diag_msg*>(NLMSG_DATA(message));
    // Of a listener the send queue is its backlog.
    into[found->idiag_inode] = found->idiag_wqueue;
  }
  return true;
}

}  // namespace

Backlogs tcp_backlogs() {
  Backlogs all;
  const int socket = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (socket < 0) return all;
  const timeval patience{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  alignas(nlmsghdr) std::array<char, 32 << 10> buffer{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (!ask(socket, static_cast<std::uint8_t>(family))) break;
    ssize_t got = 0;
    do {
      got = ::recv(socket, buffer.data(), buffer.size(), 0);
    } while (got > 0 && take(reinterpret_cast<const nlmsghdr*>(buffer.data()),
                             static_cast<std::size_t>(got), all));
  }
  ::close(socket);
  return all;
}

}  // namespace weir::load

#else

namespace weir::load {

std::map<std::uint64_t, std::uint64_t> tcp_backlogs() { return {}; }

}  // namespace weir::load

#endif
