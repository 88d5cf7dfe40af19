// --trace: a handler around a handler that logs every callback with its bytes.
#pragma once

#include <weir/handler.hpp>

namespace weir {

std::unique_ptr<Handler> traced(std::unique_ptr<Handler> inner);

}  // namespace weir
