// Line art, plots and grids of squares. A drawing is the inside of an SVG.
import { scaleBand, scaleLinear } from 'd3-scale';
import { area, curveBasisClosed, curveCatmullRom, line } from 'd3-shape';
import { at, BOLD, box, disc, type Face, MIDDLE, path, type Sketch } from './sketch.js';

type Point = [number, number];
const smooth = line<Point>().curve(curveCatmullRom);
const closed = line<Point>().curve(curveBasisClosed);
const anywhere = (s: Sketch): Point => [s.uniform(0, s.width), s.uniform(0, s.height)];

/** A closed curve around a place; `bumps` are its distances from there, in units of the radius. */
const blob = ([x, y]: Point, radius: number, bumps: readonly number[]) =>
  closed(
    bumps.map((bump, n) => {
      const angle = (2 * Math.PI * n) / bumps.length;
      return [x + radius * bump * Math.cos(angle), y + radius * bump * Math.sin(angle)];
    }),
  );
const bumps = (s: Sketch) => s.times(5, 11).map(() => s.uniform(0.7, 1.3));

/** Strokes of a pen, shapes with hatching and measures, or a map. */
export const lineArt = (s: Sketch): string => s.pick([strokes, shapes, map])(s);

function strokes(s: Sketch): string {
  const thick = s.logUniform(0.7, 5);
  const one = () => {
    let [x, y] = anywhere(s);
    const reach = s.uniform(15, 90);
    const points = s.times(3, 14).map((): Point => {
      x += s.uniform(-reach, reach);
      y += s.uniform(-reach, reach);
      return [x, y];
    });
    const colour = s.chance(0.3) ? s.pick(s.theme.accents) : s.theme.ink;
    return path(smooth(points), colour, thick * s.uniform(0.6, 1.4), 'fill="none" stroke-linecap="round"');
  };
  return s.times(15, 60).map(one).join('');
}

function shapes(s: Sketch): string {
  const { ink, paper } = s.theme;
  const face = s.font(['sans', 'mono', 'hand']);
  const thick = s.uniform(0.8, 2.4);
  const one = (n: number) => {
    const [[x, y], r] = [anywhere(s), s.uniform(30, 130)];
    const square = `M${at(x - r)} ${at(y - r / 2)}h${at(2 * r)}v${at(r)}h${at(-2 * r)}z`;
    const outline = s.pick([square, blob([x, y], r, bumps(s)), blob([x, y], r, Array(12).fill(1))]);
    let drawn = `<clipPath id="c${n}"><path d="${outline}"/></clipPath>`;
    drawn += path(outline, ink, thick, `fill="${paper}"`);
    const gap = s.logUniform(3, 14);
    for (const turn of s.times(0, 2)) {
      let lines = '';
      for (let u = -1.5 * r; u < 1.5 * r; u += gap) lines += `M${at(u)} ${at(-1.5 * r)}V${at(1.5 * r)}`;
      const place = `transform="translate(${at(x)} ${at(y)}) rotate(${at(s.uniform(0, 90) + 90 * turn)})"`;
      drawn += `<g clip-path="url(#c${n})">${path(lines, ink, thick / 2, place)}</g>`;
    }
    if (s.chance(0.5)) return drawn;
    const under = at(y + r + 16);
    const measure = `M${at(x - r)} ${under}h${at(2 * r)}m0 -5v10M${at(x - r)} ${under}m0 -5v10`;
    const middle = `M${at(x - 1.2 * r)} ${at(y)}h${at(2.4 * r)}M${at(x)} ${at(y - 1.2 * r)}v${at(2.4 * r)}`;
    drawn += path(measure, ink, thick / 2) + path(middle, ink, thick / 2, 'stroke-dasharray="12 3 2 3"');
    return drawn + s.text(x, y + r + 12, 12, s.figure(), face, ink, MIDDLE);
  };
  return s.times(4, 10).map(one).join('');
}

/** Contour lines, a lake, roads and names. */
function map(s: Sketch): string {
  const { ink, paper, panel, accents } = s.theme;
  const [contour, water, road] = accents;
  const face = s.font(['sans', 'serif']);
  const gap = s.logUniform(5, 22);
  let drawn = '';
  for (const _ of s.times(2, 5)) {
    const [place, form] = [anywhere(s), bumps(s)];
    const radii = s.times(5, 25).map((n) => gap * (n + 1));
    for (const [n, radius] of radii.reverse().entries())
      drawn += path(
        blob(place, radius, form),
        contour,
        n % 5 === 0 ? 1.6 : 0.8,
        `fill="${n === 0 ? panel : 'none'}"`,
      );
  }
  drawn += path(
    blob(anywhere(s), s.uniform(30, 110), bumps(s)),
    water,
    1.2,
    `fill="${water}" fill-opacity="0.35"`,
  );
  for (const _ of s.times(2, 6)) {
    const ends: [Point, Point] = [
      [-10, s.uniform(0, s.height)],
      [s.width + 10, s.uniform(0, s.height)],
    ];
    const way = smooth([ends[0], anywhere(s), ends[1]]);
    const thick = s.uniform(2, 6);
    drawn += path(way, ink, thick + 2) + path(way, s.pick([road, paper]), thick);
  }
  for (const _ of s.times(5, 16)) {
    const [x, y] = anywhere(s);
    drawn += disc(x, y, 2.5, ink) + s.line(x + 6, y + 4, 110, s.uniform(9, 18), face, ink);
  }
  return drawn;
}

/** One plot, or four. */
export function plot(s: Sketch): string {
  const face = s.font(['sans', 'serif', 'mono']);
  const [w, h] = s.chance(0.3) ? [s.width / 2, s.height / 2] : [s.width, s.height];
  let drawn = '';
  for (let y = 0; y < s.height; y += h)
    for (let x = 0; x < s.width; x += w)
      drawn += `<g transform="translate(${at(x)} ${at(y)})">${onePlot(s, w, h, face)}</g>`;
  return drawn;
}

function onePlot(s: Sketch, width: number, height: number, face: Face): string {
  const { ink, faint, accents } = s.theme;
  const size = Math.max(8, Math.min(16, width / s.uniform(28, 48)));
  const [left, right, top, bottom] = [size * 4.5, width - size, size * 2.5, height - size * 3.5];
  const count = s.whole(5, 60);
  const x = scaleLinear([0, count - 1], [left + size / 2, right - size / 2]);
  const [low, high] = [s.chance(0.5) ? 0 : -s.logUniform(1, 1000), s.logUniform(1, 1000)];
  const y = scaleLinear([low, high], [bottom, top]).nice();
  const gridTo = s.chance(0.5) ? right : left;
  let drawn = '';
  for (const tick of y.ticks(s.whole(3, 8))) {
    const level = Math.round(y(tick)) + 0.5;
    drawn += path(`M${at(left)} ${level}H${at(gridTo)}`, faint, 1) + path(`M${at(left)} ${level}h-4`, ink, 1);
    drawn += s.text(left - 7, level + size / 3, size, String(tick), face, ink, 'text-anchor="end"');
  }
  for (const tick of x.ticks(6)) {
    drawn += path(`M${Math.round(x(tick)) + 0.5} ${at(bottom)}v4`, ink, 1);
    drawn += s.text(x(tick), bottom + 4 + size, size, String(tick), face, ink, MIDDLE);
  }

  const kind = s.pick(['lines', 'lines', 'bars', 'scatter', 'area']);
  const colours = accents.slice(0, s.whole(1, kind === 'bars' || kind === 'area' ? 2 : 4));
  const zero = y(Math.max(0, low));
  const bands = scaleBand(
    Array.from({ length: count }, (_, n) => n),
    [left, right],
  ).padding(0.25);
  const wide = bands.bandwidth() / colours.length;
  for (const [n, colour] of colours.entries()) {
    const rough = s.logUniform(0.02, 0.3);
    let level = s.uniform(0.2, 0.8);
    const points = Array.from({ length: count }, (_, i): Point => {
      level = Math.max(0, Math.min(1, level + s.uniform(-rough, rough)));
      return [x(i), y(low + level * (high - low))];
    });
    if (kind === 'area')
      drawn += path(area<Point>().y0(zero)(points), colour, 1.5, `fill="${colour}" fill-opacity="0.5"`);
    else if (kind === 'lines') {
      const dash = `fill="none" ${n > 0 && s.chance(0.3) ? 'stroke-dasharray="7 4"' : ''}`;
      drawn += path(line<Point>()(points), colour, s.uniform(1, 2.8), dash);
    } else
      for (const [i, [u, v]] of points.entries())
        drawn +=
          kind === 'scatter'
            ? disc(u + s.uniform(-6, 6), v, size / 4, colour)
            : box((bands(i) ?? 0) + n * wide, Math.min(v, zero), wide, Math.abs(v - zero), colour);
    const key = top + size * (1.5 + 1.5 * n);
    drawn += box(left + size, key - size * 0.7, size, size * 0.7, colour);
    drawn += s.line(left + 2.5 * size, key, 7 * size, size, face, ink);
  }
  const frame = `M${at(left)} ${at(top)}V${at(bottom)}H${at(right)}`;
  drawn += path(s.chance(0.5) ? `${frame}V${at(top)}z` : frame, ink, 1);
  const [across, up] = [(right - left) / 3, (bottom - top) / 3];
  drawn += s.line(left, size * 1.6, right - left, size * 1.2, face, ink, `${MIDDLE} ${BOLD}`);
  drawn += s.line(left + across, height - size * 0.7, across, size, face, ink, MIDDLE);
  const upright = s.line(up, 0, up, size, face, ink, MIDDLE);
  return `${drawn}<g transform="translate(${at(size)} ${at(bottom)}) rotate(-90)">${upright}</g>`;
}

/** Squares like those of a QR code, sprites of few colours, or a heat map. */
export function grid(s: Sketch): string {
  const { ink, paper, accents } = s.theme;
  const what = s.pick(['code', 'sprites', 'heat']);
  const cell = s.whole(4, what === 'heat' ? 40 : 14);
  const [columns, rows] = [Math.ceil(s.width / cell), Math.ceil(s.height / cell)];
  const square = (u: number, v: number, fill: string, side = 1) =>
    box(u * cell, v * cell, side * cell, side * cell, fill, 'shape-rendering="crispEdges"');
  const side = what === 'code' ? Math.min(columns - 2, rows - 2, s.whole(27, 60)) : s.whole(8, 16);
  const [hue, waves] = [s.uniform(0, 360), [s.uniform(0.05, 0.4), s.uniform(0.05, 0.4)] as const];
  const colours = [ink, ...accents];
  let drawn = '';
  for (let v = 0; v < rows; v++)
    for (let u = 0; u < columns; u++)
      if (what === 'heat') {
        const level =
          (Math.sin(u * waves[0] + hue) + Math.sin((v + u / 3) * waves[1])) / 5 + s.uniform(0.47, 0.53);
        drawn += square(u, v, `hsl(${Math.round(hue + 120 * level)}, 70%, ${Math.round(15 + 70 * level)}%)`);
      } else if (what === 'code') {
        if (Math.min(u, v) > 1 && Math.max(u, v) < side && s.chance(0.48)) drawn += square(u, v, ink);
      } else if (u % side < side / 2 && u % side > 0 && v % side > 0 && s.chance(0.55)) {
        const fill = s.pick(colours);
        drawn += square(u, v, fill) + square(u - 2 * (u % side) + side, v, fill);
      }
  if (what === 'code')
    for (const [u, v] of [
      [2, 2],
      [side - 7, 2],
      [2, side - 7],
    ] as const)
      drawn +=
        square(u - 1, v - 1, paper, 9) +
        square(u, v, ink, 7) +
        square(u + 1, v + 1, paper, 5) +
        square(u + 2, v + 2, ink, 3);
  return drawn;
}
