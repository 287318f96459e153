// One line chart, drawn from the table beneath it, so that chart and figures cannot differ.
(() => {
  const css = (name) => {
    // A canvas knows no CSS variables: light-dark() is resolved by the browser on a probe.
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };

  const alpha = (colour, share) => colour.replace(/^rgba?\(([^)]+)\)$/, (_, parts) => {
    const [r, g, b] = parts.split(/[ ,/]+/);
    return `rgba(${r}, ${g}, ${b}, ${share})`;
  });

  const options = (box, rows) => {
    const ink = css("--o-ink-3");
    const line = css("--o-line");
    const accent = css("--o-accent");
    const digits = new Intl.NumberFormat("en", { style: "currency", currency: box.dataset.currency })
      .resolvedOptions().maximumFractionDigits;
    const axis = new Intl.NumberFormat(document.documentElement.lang, {
      style: "currency", currency: box.dataset.currency, notation: "compact", maximumFractionDigits: 1,
      currencyDisplay: "narrowSymbol",
    });
    const font = { fontFamily: "Inter Variable, system-ui, sans-serif", fontSize: 11, color: ink };
    return {
      animationDuration: 350,
      grid: { left: 58, right: 22, top: 22, bottom: 30, outerBoundsMode: "none" },
      tooltip: {
        trigger: "axis",
        renderMode: "richText",
        backgroundColor: css("--o-raised"),
        borderColor: css("--o-line-strong"),
        textStyle: { ...font, fontSize: 12, color: css("--o-ink") },
        axisPointer: { lineStyle: { color: css("--o-line-strong") } },
        formatter: ([point]) => `${rows[point.dataIndex].label}\n${rows[point.dataIndex].text}`,
      },
      xAxis: {
        type: "category",
        data: rows.map((row) => row.label),
        boundaryGap: false,
        axisLine: { lineStyle: { color: line } },
        axisTick: { show: false },
        axisLabel: { ...font, hideOverlap: true, alignMinLabel: "left", alignMaxLabel: "right" },
      },
      yAxis: {
        type: "value",
        splitNumber: 4,
        splitLine: { lineStyle: { color: line } },
        axisLabel: { ...font, formatter: (minor) => axis.format(minor / 10 ** digits) },
      },
      series: [{
        type: "line",
        data: rows.map((row) => (row.value === "" ? null : Number(row.value))),
        symbol: "circle",
        symbolSize: 5,
        showSymbol: false,
        lineStyle: { width: 2, color: accent },
        itemStyle: { color: accent },
        areaStyle: {
          color: {
            type: "linear", x: 0, y: 0, x2: 0, y2: 1,
            colorStops: [{ offset: 0, color: alpha(accent, 0.22) }, { offset: 1, color: alpha(accent, 0) }],
          },
        },
      }],
    };
  };

  const draw = (box) => {
    const rows = [...document.querySelectorAll(`#${box.dataset.chart} tbody tr`)].map((row) => ({ ...row.dataset }));
    const chart = echarts.init(box, null, { renderer: "canvas" });
    chart.setOption(options(box, rows));
    new ResizeObserver(() => chart.resize()).observe(box);
    document.addEventListener("theme:changed", () => chart.setOption(options(box, rows), true));
  };

  document.querySelectorAll("[data-chart]").forEach(draw);
})();
