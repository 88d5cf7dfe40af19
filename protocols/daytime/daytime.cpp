#include "daytime.hpp"

#include <array>
#include <cstdio>

#include <weir/loop.hpp>

namespace weir::protocols {

namespace {

constexpr std::array kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                              "Thursday", "Friday", "Saturday"};
constexpr std::array kMonths = {"January",   "February", "March",    "April",
                                "May",       "June",     "July",     "August",
                                "September", "October",  "November", "December"};

}  // namespace

// The calendar is the standard library's: strftime would follow the process's locale and the
// system's time zone.
std::string daytime_text(WallTime when) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(when - day));
  char text[80];
  std::snprintf(text, sizeof text, "%s, %s %u, %d %02d:%02d:%02d-UTC",
                kDays[std::chrono::weekday(day).c_encoding()],
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<unsigned>(date.day()),
                static_cast<int>(date.year()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return text;
}

void Daytime::on_open(Connection& peer) {
  peer.write(daytime_text(peer.loop().wall()) + "\r\n");
  peer.close();
}

}  // namespace weir::protocols
