// Finds a way to a URL: looks the name up off the loop, tries the addresses in order, keeps to one
// deadline. Lives in its connection while that is connecting.
#pragma once

#include <vector>

#include "driver.hpp"
#include "name_cache.hpp"

namespace weir {

class ConnectionCore;
class TlsSource;

class Connector final : public DialOwner, private NameAsker {
 public:
  static constexpr Millis kBusyRetry{20};  // After a Unix listener whose backlog is full.
  // An attempt among several gets an equal share of the time left, but not less than this.
  static constexpr std::int64_t kShareLeast = 250;  // Milliseconds.

  Connector(ConnectionCore& connection, const ConnectOptions& options,
            std::shared_ptr<TlsSource> tls);

  // Throws SetupError if the URL cannot be dialled at all. What makes the SSL, where it says tls.
  static std::shared_ptr<TlsSource> check(const ConnectOptions& options);
  std::shared_ptr<TlsSource> take_tls() { return std::move(tls_); }

  void start();
  void on_dialled(int socket) override;
  // In settle(): an attempt that succeeded at once is told of only now, for connect() has to have
  // returned. False: there is none. Ends this object's life otherwise.
  bool deliver();
  void timed_out();  // The attempt's share, or the whole time, is over.

  // Milliseconds to the end of the attempt's share.
  std::int64_t left() const;
  std::string target() const { return options_.to.text(); }

 private:
  void on_resolved(const Resolution& found) override;
  std::int64_t total_left() const;
  bool is_excepted(const Address& address) const;
  void next();
  void try_again();
  void fail(CloseReason::Code code, int error);

  ConnectionCore& connection_;
  ConnectOptions options_;
  std::shared_ptr<TlsSource> tls_;  // Null: the connection is plain.
  SteadyTime began_;
  std::int64_t share_ends_;  // Milliseconds after began_.
  std::vector<Address> addresses_;
  std::size_t next_ = 0;
  int last_error_ = 0;
  std::unique_ptr<Dial> dial_;
  Timer retry_;
};

}  // namespace weir
