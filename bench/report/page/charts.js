// Which charts there are.

function showThroughput(runs) {
  for (const inBytes of [false, true]) {
    const lines = throughputLines(runs.filter((run) => run.inBytes === inBytes));
    if (lines.length === 0) continue;
    addChart({
      id: inBytes ? "throughput-bytes" : "throughput",
      title: "Throughput",
      note: `${inBytes ? "Bytes" : "Messages"} in each second.`,
      lines,
      x: TIME,
      stepped: true,
      y: inBytes ? linear(formats.byteRate, { incrs: SIZE_STEPS }) : linear(formats.number),
    });
  }
}

// Charts of what often is not known, or says nothing.
function showOptional(chart, shown) {
  if (chart.lines.some(shown)) addChart({ x: TIME, stepped: true, ...chart });
}

function showResources(runs) {
  showOptional(
    {
      id: "cpu",
      title: "CPU",
      note: "Of the server's processes and of the generator's busiest agent; 100 % is one whole CPU.",
      lines: cpuLines(runs),
      y: linear(formats.percent),
    },
    hasFigures,
  );
  showOptional(
    {
      id: "memory",
      title: "Server memory",
      note: "Memory that only the server's processes have (Private_Dirty).",
      lines: memoryLines(runs),
      y: linear(formats.size, { incrs: SIZE_STEPS }),
    },
    hasFigures,
  );
  showOptional(
    {
      id: "errors-over-time",
      title: "Errors",
      note: "In each second.",
      lines: errorLines(runs),
      y: linear(formats.number),
    },
    varies,
  );
  showOptional(
    {
      id: "connections-over-time",
      title: "Connections",
      note: "Open at the end of each second.",
      lines: connectionLines(runs),
      y: linear(formats.number),
    },
    varies,
  );
}

function showCharts(runs) {
  showThroughput(runs);
  addChart({
    id: "latency-over-time",
    title: "Latency over time",
    note: "Of the messages of each second; the scale is logarithmic.",
    lines: latencyLines(runs),
    x: TIME,
    y: logarithmic(formats.duration),
    height: TALL_HEIGHT,
  });
  addChart({
    id: "percentile-curve",
    title: "Latency by percentile",
    note: "To the right each step is ten times rarer; both scales are logarithmic.",
    lines: runs.map(percentileLine),
    x: PERCENTILE,
    y: logarithmic(formats.duration),
  });
  showResources(runs);
  followPage();
}
