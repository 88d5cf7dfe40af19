// Replies of any protocol: where one ends, and what it has to say.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::load {

// Exactly one of the first four is said.
struct Reply {
  std::size_t bytes = 0;  // It has so many.
  bool line = false;      // It ends with a newline.
  bool http = false;  // It is HTTP/1.1 with a Content-Length, or no body, and a status below 400.
  bool head = false;  // Such a one without its body, as HEAD is answered.
  std::string until = {};  // It ends with this.
  std::string is = {};  // And this stands in it: the line, what comes before `until`, or the body.
};

// How long the reply is that the data begins with: its bytes; 0 when more is needed to tell; nothing
// when this is no reply of the kind, or one of failure.
std::optional<std::size_t> reply_size(const Reply& reply, std::string_view data);

// What of a whole reply is compared with `is`.
std::string_view reply_text(const Reply& reply, std::string_view whole);

}  // namespace weir::load
