// scripts/free-graphics with fonts and icons that this test makes up: what is drawn depends on the seed and the materials alone.
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Choice, type Fetched, materialsOf } from '../../../scripts/free-graphics/materials.js';
import { drawGraphic, isHeldBack, renderGraphic } from '../../../scripts/free-graphics/picture.js';
import { type Face, sketch } from '../../../scripts/free-graphics/sketch.js';
import { isAccepted, isAcceptedFont } from '../../../scripts/free-pictures/licence.js';

const list = new URL('../../../scripts/free-graphics/packages.json', import.meta.url);
const choices: readonly Choice[] = JSON.parse(await readFile(list, 'utf8'));
const ICON =
  '<?xml version="1.0"?>\n<!-- a licence -->\n<svg\n  class="icon"\n  xmlns="http://www.w3.org/2000/svg"\n  width="24" height="24" viewBox="0 0 24 24" fill="currentColor" stroke-width="2"><path d="M4 4H20V20z"/></svg>';
/** The list's packages with one icon in each. */
const fetched = choices.map((choice) => ({
  about: { package: choice.package },
  icons: choice.fonts ? [] : [ICON],
})) as unknown as Fetched[];
const [toTrain, heldBack] = [materialsOf(choices, fetched, false), materialsOf(choices, fetched, true)];
const drawn = (materials = toTrain, seed = 1, count = 90) =>
  Array.from({ length: count }, (_, number) => drawGraphic(materials, seed, number));

test('every kind appears, and each but code, grids and interfaces as a scan too', () => {
  const kinds = (graphics: ReturnType<typeof drawn>) => [...new Set(graphics.map(({ kind }) => kind))].sort();
  const all = drawn();
  assert.equal(kinds(all), ['code', 'grid', 'icons', 'interface', 'line-art', 'page', 'plot']);
  assert.equal(kinds(all.filter(({ scan }) => scan)), ['icons', 'line-art', 'page', 'plot']);
  assert.is(all.filter(({ scan }) => scan).length, 18);
});

test('the same seed and number give the same SVG, others do not', () => {
  const svgs = drawn().map(({ svg }) => svg);
  assert.equal(
    drawn().map(({ svg }) => svg),
    svgs,
  );
  assert.is(new Set([...svgs, ...drawn(toTrain, 2).map(({ svg }) => svg)]).size, 180);
});

test('no attribute lacks its value', () => {
  for (const { svg, kind } of [...drawn(), ...drawn(heldBack)])
    assert.not.match(svg, /NaN|undefined|null|Infinity/, kind);
});

test('what is held back has fonts and icons of its own, of every style', () => {
  const used = (graphics: ReturnType<typeof drawn>) =>
    new Set(graphics.flatMap(({ fonts, icons }) => [...fonts, ...icons]));
  const [train, held] = [used(drawn(toTrain, 1, 300)), used(drawn(heldBack, 1, 300))];
  assert.equal(
    [...held].filter((name) => train.has(name)),
    [],
  );
  const names = choices.flatMap(({ package: name, fonts }) => fonts?.map(({ family }) => family) ?? name);
  assert.equal(new Set([...train, ...held]), new Set(names), 'all of them are used');
  for (const { fonts, iconSets } of [toTrain, heldBack]) {
    assert.equal(new Set(fonts.map(({ style }) => style)), new Set(['sans', 'serif', 'mono', 'hand']));
    assert.ok(iconSets.length > 1);
  }
  assert.equal(
    [0, 359, 360, 399].map((number) => isHeldBack(number, 400)),
    [false, false, true, true],
  );
});

test('a picture is about 512 x 512, sRGB without alpha, and has the same bytes each time', async () => {
  for (const graphic of drawn(toTrain, 3, 10)) {
    const png = await renderGraphic(graphic);
    const { format, width, height, channels, hasAlpha, depth } = await sharp(png).metadata();
    assert.equal(
      { format, width, height, channels, hasAlpha, depth },
      {
        format: 'png',
        width: graphic.width,
        height: graphic.height,
        channels: 3,
        hasAlpha: false,
        depth: 'uchar',
      },
    );
    assert.ok(Math.min(width, height) >= 448 && Math.max(width, height) <= 576);
    assert.equal(await renderGraphic(graphic), png);
    const { channels: values } = await sharp(png).stats();
    assert.ok(Math.max(...values.map(({ stdev }) => stdev)) > 5, `${graphic.kind}: there is something in it`);
  }
});

test('a scan is the sheet with less contrast, under light that falls off smoothly', async () => {
  const sheet = { ...(drawn()[0] as ReturnType<typeof drawGraphic>), svg: svg('#000') };
  const scan = { angle: 0, blur: 0.5, tint: [0.9, 0.8, 0.7], density: 0.8, falls: [0.1, 0] as const };
  const pixels = async (one: typeof sheet) =>
    sharp(await renderGraphic(one))
      .raw()
      .toBuffer();
  const paper = await pixels({ ...sheet, scan, svg: svg('#fff') });
  assert.equal([...paper.subarray(0, 3)], [207, 184, 161], 'the tint, 0.1 darker on the left');
  assert.equal([...paper.subarray(63 * 3, 64 * 3)], [229, 204, 178]);
  const ink = await pixels({ ...sheet, scan });
  assert.equal([...ink.subarray(0, 3)], [41, 37, 32], 'a fifth of it');
});

const svg = (fill: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="8"><rect width="64" height="8" fill="${fill}"/></svg>`;

test('words fit, and begin on their own side', () => {
  const s = sketch(toTrain, 1, 1, true);
  const face = (script: Face['script']): Face => ({
    family: 'A',
    style: 'sans',
    scripts: [script],
    advance: 0.5,
    script,
  });
  for (const script of ['basic', 'latin', 'greek', 'devanagari', 'cjk'] as const) {
    assert.match(s.line(10, 20, 200, 10, face(script), '#000'), /^<text x="10" y="20"/, script);
    assert.ok(s.words(script, 30).length <= 30, script);
  }
  assert.match(s.line(10, 20, 200, 10, face('arabic'), '#000'), /^<text x="210" y="20".*direction="rtl"/);
});

test('an icon is drawn at its place, in a colour, whatever precedes its root', () => {
  const icon = sketch(toTrain, 1, 1, true).icon(3, 4, 30, '#f00');
  assert.match(icon, /^<g fill="#f00" color="#f00"><svg x="3" y="4" width="30" height="30"/);
  assert.match(icon, /viewBox="0 0 24 24" fill="currentColor" stroke-width="2"><path/);
  assert.not.match(icon, /width="24"/);
});

test('licences that bind a font but nothing drawn with it are for fonts only', () => {
  for (const licence of ['OFL', 'OFL-1.1', 'SIL-OFL-1.1', 'bitstream-vera']) {
    assert.ok(isAcceptedFont(licence), licence);
    assert.not(isAccepted(licence), licence);
  }
  for (const licence of ['', '(none)', 'OFL-1.0', 'CC-BY-NC-4.0', 'IPA', 'M+Font and BSD-3-Clause'])
    assert.not(isAcceptedFont(licence), licence);
  assert.ok(isAcceptedFont('Expat and BitstreamVera'));
});

test.run();
