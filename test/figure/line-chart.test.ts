// Charts as SVG: well-formed whatever the text, values where they belong, nothing that is not finite.
import fc from 'fast-check';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { axisOf, lineChart, numberLabel } from '#src/figure/line-chart.js';
import { standaloneSvg } from '#src/figure/markup.js';

const chart = {
  title: 'PSNR against beta',
  xLabel: 'beta',
  yLabel: 'dB',
  xScale: 'log',
  series: [
    {
      name: 'sigma 15',
      points: [
        [1, 30],
        [2, 32],
        [4, 33],
        [8, 31],
      ],
    },
    {
      name: 'sigma 25',
      points: [
        [1, 27],
        [2, Number.NaN],
        [4, 30],
        [8, 29],
      ],
      dashed: true,
    },
  ],
} as const;

/** The points of every stroked line, in the figure's units. */
const linesOf = (svg: string) =>
  [...svg.matchAll(/<path d="(M[^"]*)" fill="none"/g)].map(([, d = '']) =>
    [...d.matchAll(/([ML])([\d.]+),([\d.]+)/g)].map(([, command, x, y]) => ({
      command,
      x: Number(x),
      y: Number(y),
    })),
  );

test('a line goes through its points, higher for larger values, evenly for powers on a logarithmic axis', () => {
  const [first = []] = linesOf(lineChart(chart));
  assert.is(first.length, 4);
  const gaps = first.slice(1).map(({ x }, i) => x - (first[i]?.x ?? 0));
  for (const gap of gaps) assert.ok(gap > 0 && Math.abs(gap - (gaps[0] ?? 0)) < 0.05, gaps.join());
  const [a, b, c, d] = first.map(({ y }) => y);
  assert.ok(Number(a) > Number(d) && Number(d) > Number(b) && Number(b) > Number(c), [a, b, c, d].join());
});

test('a value that is not finite is a gap and no number', () => {
  const svg = lineChart(chart);
  assert.not.match(svg, /NaN|Infinity|undefined/);
  const [, second = []] = linesOf(svg);
  assert.is(second.filter(({ command }) => command === 'M').length, 2);
  assert.is(second.length, 3);
});

test('the settings themselves are the ticks where they are few', () => {
  const axis = axisOf('linear', [4.28, 8.5, 17, 34], [0, 600], 44);
  assert.equal(
    axis.ticks.map(({ label }) => label),
    ['4.28', '8.5', '17', '34'],
  );
});

test('a logarithmic axis over decades has ticks that leave each other room', () => {
  const values = [1e-4, 3e4];
  const { ticks, position } = axisOf('log', [...values, 1, 2, 3, 4, 5, 6, 7], [0, 300], 30, true);
  assert.ok(ticks.length >= 3);
  for (const [i, { value }] of ticks.slice(1).entries())
    assert.ok(
      position(value) - position(ticks[i]?.value ?? 0) >= 29.9,
      ticks.map(({ label }) => label).join(),
    );
});

test('numbers are told shortly', () => {
  assert.equal([0, 0.1 + 0.2, 25, -3.5, 1e-7, 2.5e6].map(numberLabel), [
    '0',
    '0.3',
    '25',
    '−3.5',
    '1e−7',
    '2.5e6',
  ]);
});

test('any text and any numbers give an SVG that a parser takes', async () => {
  const name = fc.string({ unit: 'binary', maxLength: 30 });
  const number = fc.double();
  const scale = fc.constantFrom('linear' as const, 'log' as const);
  const series = fc.array(fc.record({ name, points: fc.array(fc.tuple(number, number), { maxLength: 6 }) }), {
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(name, name, scale, scale, series, async (title, label, xScale, yScale, lines) => {
      const svg = lineChart({ title, xLabel: label, yLabel: label, xScale, yScale, series: lines });
      assert.not.match(
        svg.replaceAll(/<(title|desc|text)[^>]*>[^<]*</g, '').replaceAll(/aria-label="[^"]*"/g, ''),
        /NaN|Infinity|undefined/,
      );
      const { format } = await sharp(Buffer.from(svg)).metadata();
      assert.is(format, 'svg');
    }),
    { numRuns: 60 },
  );
});

test('names that end together are moved apart and stay inside', () => {
  const series = Array.from({ length: 8 }, (_, i) => ({
    name: `s${i}`,
    points: [
      [0, 1],
      [1, 1 + i / 1e4],
    ] as const,
  }));
  const svg = lineChart({
    ...chart,
    xScale: 'linear',
    series: [
      ...series,
      {
        name: 'far',
        points: [
          [0, 5],
          [1, 5],
        ],
      },
    ],
  });
  const places = series.map(({ name }) => Number(new RegExp(`y="([\\d.]+)" >${name}<`).exec(svg)?.[1]));
  const sorted = [...places].sort((a, b) => a - b);
  for (const [i, at] of sorted.slice(1).entries()) assert.ok(at - (sorted[i] ?? 0) > 14, sorted.join());
  assert.ok(Math.max(...places) < 400 && Math.min(...places) > 0);
});

test('a file of its own brings its text colour for light and dark', () => {
  const file = standaloneSvg(lineChart(chart));
  assert.match(file, /^<\?xml/);
  assert.match(file, /prefers-color-scheme:dark/);
  assert.not.match(lineChart(chart), /<style|\sid=/);
});

test.run();
