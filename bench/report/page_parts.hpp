// The texts that the HTML report is put together from; the build makes them from the files in page/ and vendor/.
#pragma once

#include <span>
#include <string_view>

namespace weir::load {

struct PagePart {
  std::string_view name;                     // "page.css"
  std::span<const std::string_view> pieces;  // The text, cut where compilers have limits.
};

std::span<const PagePart> page_parts();

}  // namespace weir::load
