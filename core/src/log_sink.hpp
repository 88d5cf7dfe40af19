// The default log: one line an event on standard error.
#pragma once

#include <weir/server.hpp>

namespace weir {

LogSink standard_error_sink();

}  // namespace weir
