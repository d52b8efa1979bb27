// Text, code, icons and interfaces: what is on pages and screens. A drawing is the inside of an SVG.
import { BOLD, box, disc, escaped, type Face, MIDDLE, type Sketch } from './sketch.js';

/** Columns of headings, paragraphs, lists and tables, as if cut from a longer page. */
export function page(s: Sketch): string {
  const { ink, faint, accents } = s.theme;
  const face = s.font(['sans', 'serif', 'mono', 'hand']);
  const title = s.chance(0.5) ? face : s.font([face.style, 'sans', 'serif'], face.script);
  const size = s.logUniform(8, 60);
  const leading = size * s.uniform(1.15, 1.7);
  const columns = size < 15 ? s.whole(1, 3) : size < 24 ? s.whole(1, 2) : 1;
  const [margin, gap] = [s.uniform(8, 40), s.uniform(1, 2.5) * size];
  const room = (s.width - 2 * margin - gap * (columns - 1)) / columns;
  let drawn = '';
  for (let column = 0; column < columns; column++) {
    const x = margin + column * (room + gap);
    let y = s.uniform(-leading, margin + size);
    while (y < s.height + size) {
      const what = s.uniform(0, 1);
      if (what < 0.18) {
        const large = Math.min(72, size * s.uniform(1.2, 2.2));
        y += large;
        const fill = s.chance(0.3) ? s.pick(accents) : ink;
        drawn += s.line(x, y, room, large * 1.05, title, fill, s.chance(0.7) ? BOLD : '');
        if (s.chance(0.2)) drawn += box(x, y + 0.4 * large, room, Math.max(1, size / 12), faint);
      } else if (what < 0.28) {
        const rows = s.whole(2, 6);
        drawn += table(s, x, y + leading / 2, room, rows, leading, size, face);
        y += rows * leading;
      } else {
        const indent = what < 0.4 && !face.scripts.includes('arabic') ? 1.4 * size : 0;
        if (indent > 0) drawn += box(x, y + leading - 0.45 * size, size / 4, size / 4, ink);
        const lines = s.whole(1, indent > 0 ? 3 : 9);
        for (let n = 1; n <= lines; n++) {
          y += leading;
          const part = n === lines ? s.uniform(0.3, 0.9) : 1;
          const from = face.script === 'hebrew' || face.script === 'arabic' ? room * (1 - part) : indent;
          drawn += s.line(x + from, y, room * part - indent, size, face, ink, s.chance(0.04) ? BOLD : '');
        }
      }
      y += leading * s.uniform(0.2, 1);
    }
  }
  return drawn;
}

/** Words in the first row and column, numbers elsewhere. */
function table(
  s: Sketch,
  x: number,
  y: number,
  room: number,
  rows: number,
  tall: number,
  size: number,
  face: Face,
) {
  const { ink, faint, panel } = s.theme;
  const columns = s.whole(2, Math.max(2, Math.min(6, Math.floor(room / (5 * size)))));
  const [wide, isRuled, isBoxed] = [room / columns, s.chance(0.5), s.chance(0.4)];
  let drawn = s.chance(0.4) ? box(x, y, room, tall, panel) : '';
  for (let row = 0; row < rows; row++) {
    const base = y + (row + 0.7) * tall;
    for (let column = 0; column < columns; column++) {
      const [left, inner] = [x + column * wide + size / 3, wide - size];
      if (row === 0 || column === 0)
        drawn += s.line(left, base, inner, size, face, ink, row === 0 ? BOLD : '');
      else {
        const figure = s.figure().slice(0, Math.max(1, Math.floor(inner / (0.6 * size))));
        drawn += s.text(left + inner, base, size, figure, face, ink, 'text-anchor="end"');
      }
      if (isBoxed) drawn += box(Math.round(x + column * wide), y + row * tall, 1, tall, faint);
    }
    if (isRuled || row === 0) drawn += box(x, Math.round(y + (row + 1) * tall), room, 1, faint);
  }
  return drawn;
}

const KEYWORDS = ['if', 'for', 'let', 'return', 'new', 'int', 'def', 'class', 'while', 'import', 'else'];
const SIGNS = [' = ', '(', ').', ', ', ' + ', '.', '[', '] ', ' => ', ' && ', ' < ', ';', ' {'];

/** An editor with coloured words, or a terminal. */
export function code(s: Sketch): string {
  const { ink, faint, panel, accents } = s.theme;
  const [keyword, name, literal, quote] = accents;
  const face = s.font(['mono'], 'basic');
  const size = s.logUniform(9, 24);
  const leading = Math.round(size * s.uniform(1.2, 1.6));
  const isEditor = s.chance(0.7);
  const [left, first] = [Math.round(size * (isEditor ? 3 : 0.5)), s.whole(1, 400)];
  const span = (words: string, fill: string) => `<tspan fill="${fill}">${escaped(words)}</tspan>`;
  const identifier = () => s.words('basic', 10).replaceAll(/[^a-zA-Z]/g, '') || 'x';
  const part = () =>
    span(s.chance(0.2) ? s.figure() : identifier(), s.pick([ink, ink, name, literal])) +
    (s.chance(0.15) ? span(`'${s.words('basic', 14)}'`, quote) : '') +
    span(s.pick(SIGNS), ink);
  const cell = () => (s.chance(0.5) ? s.figure() : s.words('basic', 11)).padEnd(13);

  let [drawn, depth] = [isEditor ? box(0, 0, left - 6, s.height, panel) : '', 0];
  for (let n = 1; n * leading < s.height + size; n++) {
    const y = n * leading;
    if (isEditor) drawn += s.text(left - 10, y, size, String(first + n), face, faint, 'text-anchor="end"');
    if (s.chance(0.12)) continue;
    depth = Math.max(0, Math.min(5, depth + s.whole(-1, 1)));
    let said = '';
    if (!isEditor && s.chance(0.2))
      said = span(`${identifier()}:~$ `, name) + span(s.words('basic', 30), ink);
    else if (!isEditor) said = span(s.times(2, 7).map(cell).join(''), s.chance(0.15) ? quote : ink);
    else if (s.chance(0.12))
      said = span(`${'  '.repeat(depth)}// ${s.words('basic', s.whole(8, 45))}`, faint);
    else {
      said = span('  '.repeat(depth) + (s.chance(0.5) ? `${s.pick(KEYWORDS)} ` : ''), keyword);
      said += s.times(1, 5).map(part).join('');
    }
    drawn += s
      .text(left, y, size, '', face, ink, 'xml:space="preserve"')
      .replace('</text>', () => `${said}</text>`);
  }
  return drawn;
}

/** Icons in rows, of one size or of several, some on tiles of a colour, some with names. */
export function icons(s: Sketch): string {
  const { paper, ink, accents } = s.theme;
  const size = Math.round(s.logUniform(14, 130));
  const cell = Math.round(size * s.uniform(1.3, 2.2));
  const face = size > 24 && s.chance(0.4) ? s.font(['sans']) : undefined;
  const [isMixed, isColoured, isTiled] = [s.chance(0.3), s.chance(0.5), s.chance(0.35)];
  const round = `rx="${Math.round(s.pick([0, 0.1, 0.25, 0.5]) * cell)}"`;
  let drawn = '';
  for (let y = s.whole(-cell / 2, 8); y < s.height; y += cell + (face ? 14 : 0))
    for (let x = s.whole(-cell / 2, 8); x < s.width; x += cell) {
      const side = isMixed ? Math.round(size * s.uniform(0.4, 1)) : size;
      const [inset, colour] = [Math.round((cell - side) / 2), s.pick(accents)];
      if (isTiled) drawn += box(x + 2, y + 2, cell - 4, cell - 4, colour, round);
      drawn += s.icon(x + inset, y + inset, side, isTiled ? paper : isColoured ? colour : ink);
      if (face) drawn += s.line(x, y + cell + 9, cell, 10, face, ink, MIDDLE);
    }
  return drawn;
}

/** A window or a phone's screen: bars, lists, forms and cards, with edges on whole pixels. */
export function interfaceOf(s: Sketch): string {
  const { paper, ink, faint, panel, accents, contrast } = s.theme;
  const { width, height } = s;
  const face = s.font(['sans']);
  const size = s.whole(10, 17);
  const row = Math.round(size * s.uniform(2, 3));
  const round = `rx="${s.pick([0, 2, 4, 8, 12])}"`;
  const edge = s.chance(0.6) ? `${round} stroke="${faint}"` : round;
  const accent = s.pick(accents);
  const label = (x: number, y: number, room: number, fill: string, more = '') =>
    s.line(x, y + Math.round(row / 2 + size * 0.35), room, size, face, fill, more);
  const icon = (x: number, y: number, fill: string) =>
    s.icon(x, y + Math.round((row - size) / 2), size, fill);
  const button = (x: number, y: number, isMain: boolean) =>
    box(x + 0.5, y + 0.5, 90, row, isMain ? accent : panel, edge) +
    label(x + 10, y, 70, isMain ? contrast : ink, MIDDLE);

  const isAccented = s.chance(0.5);
  const onBar = isAccented ? contrast : ink;
  let drawn = box(0, 0, width, row, isAccented ? accent : panel) + icon(8, 0, onBar);
  drawn += label(size + 18, 0, 150, onBar, BOLD);
  for (let x = width - 2 * size; x > width * 0.6; x -= 2 * size) drawn += icon(x, 0, onBar);
  const side = s.chance(0.6) ? s.whole(110, 190) : 0;
  if (side > 0) {
    drawn += box(0, row, side, height, panel) + box(side, row, 1, height, faint);
    const chosen = s.whole(1, 9) * row;
    for (let y = row; y < height; y += row) {
      if (y === chosen) drawn += box(4, y + 2, side - 8, row - 4, accent, round);
      const fill = y === chosen ? contrast : ink;
      drawn += icon(12, y, fill) + label(size + 20, y, side - size - 30, fill);
    }
  }

  const [left, room] = [side + 12, width - side - 24];
  let y = row + 10;
  while (y < height) {
    const what = s.pick(['cards', 'cards', 'field', 'field', 'buttons', 'table']);
    if (what === 'cards') {
      const count = s.whole(1, 3);
      const [wide, tall] = [Math.floor((room - 10 * (count - 1)) / count), row * s.whole(3, 5)];
      for (let x = left; x < width - 20; x += wide + 10) {
        drawn += box(x + 0.5, y + 0.5, wide, tall, panel, edge);
        const fill = s.pick(accents);
        drawn += s.chance(0.5) ? s.icon(x + 10, y + 10, row, fill) : disc(x + row, y + row, row / 2, fill);
        drawn += label(x + 10, y + tall - 1.9 * row, wide - 20, ink, BOLD);
        drawn += label(x + 10, y + tall - 1.2 * row, wide - 20, faint);
      }
      y += tall + 12;
    } else if (what === 'field') {
      drawn += label(left, y, room / 2, ink);
      drawn += box(left + 0.5, y + row + 0.5, room, row, paper, `stroke="${faint}" ${round}`);
      if (s.chance(0.6)) drawn += label(left + 10, y + row, room * 0.6, faint);
      y += 2 * row + 12;
    } else if (what === 'buttons') {
      for (let x = left; x + 90 < Math.min(width, left + 330); x += 100) drawn += button(x, y, x === left);
      y += row + 12;
    } else {
      const rows = s.whole(3, 7);
      drawn += table(s, left, y, room, rows, row, size, face);
      y += row * rows + 14;
    }
  }
  if (s.chance(0.75)) return drawn;
  const [wide, tall] = [s.whole(200, 300), row * 4];
  const [x, top] = [Math.round((width - wide) / 2), Math.round((height - tall) / 2)];
  drawn += box(0, 0, width, height, '#000', 'fill-opacity="0.4"') + box(x, top, wide, tall, paper, round);
  drawn += label(x + 16, top, wide - 32, ink, BOLD) + label(x + 16, top + row, wide - 32, ink);
  return drawn + button(x + wide - 106, top + tall - row - 10, true);
}
