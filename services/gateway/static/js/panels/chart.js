// Candles and volume, with the mark price as a line. The open candle follows the last price between two answers.

import { CandlestickSeries, HistogramSeries, LineStyle, createChart } from "/vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { h, segments, text } from "../dom.js";
import { compact, exact } from "../format.js";

/** A colour token as the canvas needs it: resolved for the theme in force. */
function colour(name) {
  const probe = h("span", { hidden: true });
  document.body.append(probe);
  probe.style.color = `var(--${name})`;
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export const INTERVALS = [
  { value: 60, label: "1m" },
  { value: 300, label: "5m" },
  { value: 900, label: "15m" },
  { value: 3600, label: "1h" },
  { value: 14400, label: "4h" },
  { value: 86400, label: "1d" },
];

export function priceChart({ canvas, legend, intervals }, choose) {
  const chart = createChart(canvas, { autoSize: true, handleScale: { axisPressedMouseMove: { price: false } } });
  const candles = chart.addSeries(CandlestickSeries, { borderVisible: false, priceLineVisible: false });
  const volume = chart.addSeries(HistogramSeries, { priceScaleId: "", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
  candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.22 } });
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
  const mark = candles.createPriceLine({ price: 0, title: "mark", lineWidth: 1, lineStyle: LineStyle.Dashed, lineVisible: false, axisLabelVisible: false });
  const select = segments(intervals, INTERVALS, 60, choose);
  let rows = [];
  let identity = "";
  let soft = {};

  function paint() {
    const [ink, line, grid, up, down, accent, surface] = ["ink-3", "line", "grid", "up", "down", "accent", "surface"].map(colour);
    soft = { up: colour("up-soft"), down: colour("down-soft") };
    chart.applyOptions({
      layout: { background: { color: "transparent" }, textColor: ink, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11 },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line, timeVisible: true, secondsVisible: false, rightOffset: 4 },
      crosshair: { vertLine: { color: ink, labelBackgroundColor: ink }, horzLine: { color: ink, labelBackgroundColor: ink } },
    });
    candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    mark.applyOptions({ color: accent, axisLabelColor: accent, axisLabelTextColor: surface });
    volume.setData(rows.map(bar));
  }

  const candle = (row) => ({ time: row.open_time / 1e6, open: +row.open, high: +row.high, low: +row.low, close: +row.close });
  const bar = (row) => ({ time: row.open_time / 1e6, value: +row.volume, color: +row.close >= +row.open ? soft.up : soft.down });

  function show(answer) {
    const name = `${answer.market} ${answer.interval_seconds}`;
    const fresh = name !== identity;
    identity = name;
    rows = answer.candles;
    const decimals = (rows[0]?.close.split(".")[1] ?? "").length;
    candles.applyOptions({ priceFormat: { type: "price", precision: decimals, minMove: 10 ** -decimals } });
    candles.setData(rows.map(candle));
    volume.setData(rows.map(bar));
    if (fresh) chart.timeScale().setVisibleLogicalRange({ from: rows.length - Math.min(Math.max(rows.length, 40), 120, canvas.clientWidth / 7), to: rows.length + 4 });
    describe(rows.at(-1));
  }

  function price({ market, mark: now, last }) {
    if (!identity.startsWith(`${market} `)) return;
    mark.applyOptions({ price: +now, lineVisible: true, axisLabelVisible: true });
    const open = rows.at(-1);
    if (!open || last === null || open.closed) return;
    open.close = last;
    if (+last > +open.high) open.high = last;
    if (+last < +open.low) open.low = last;
    candles.update(candle(open));
    volume.update(bar(open));
  }

  function describe(row) {
    if (!row) return text(legend, "");
    const change = (row.close / row.open - 1) * 100;
    return text(legend, `O ${exact(row.open)}   H ${exact(row.high)}   L ${exact(row.low)}   C ${exact(row.close)}   ${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(2)} %   V ${compact(row.volume)}`);
  }

  addEventListener("cleartide:colours", paint);
  paint();
  chart.subscribeCrosshairMove(({ time }) => describe(time ? rows.find((row) => row.open_time / 1e6 === time) : rows.at(-1)));
  return { show, price, select };
}
