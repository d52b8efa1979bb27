// The frames of a page and of a figure, and text as markup. A page is one file, which may load only the pictures in it and run
// only its own script. A figure is an <svg> without styles, ids or scripts.
import { createHash } from 'node:crypto';

interface HtmlHead {
  /** Plain text. */
  readonly title: string;
  /** CSS of this page; `--widest` is the most that it takes of the window's width. */
  readonly style: string;
  /** A JavaScript module. Default: none. */
  readonly script?: string;
  /** The browser reloads the page after this many seconds. Default: never. */
  readonly reloadSeconds?: number | undefined;
}

export const HTML_END = '</body>\n</html>\n';

/** What all pages share: neutral greys around pictures, light and dark, on screens and on paper. */
const PAGE_STYLE = `
:root {
  --ground: #f3f3f2; --card: #fff; --text: #1d1d1c; --quiet: #62625f; --line: #dcdcd9; --accent: #0b62c4; --bad: #b3261e; --warn: #8a5a00;
  color-scheme: light dark;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  color: var(--text); background: var(--ground);
}
@media (prefers-color-scheme: dark) {
  :root { --ground: #141414; --card: #1e1e1e; --text: #e8e8e6; --quiet: #a0a09c; --line: #363634; --accent: #7db8ff; --bad: #ff9d94; --warn: #e6b84d; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: clamp(1rem, 3vw, 2.5rem); max-width: var(--widest); overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; }
p { margin: .25rem 0; }
a { color: var(--accent); }
.quiet { color: var(--quiet); font-size: .85rem; }
.totals { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; padding: 0; color: var(--quiet); }
.totals strong { color: var(--text); font-size: 1.35rem; font-weight: 600; margin-right: .15rem; font-variant-numeric: tabular-nums; }
dt { color: var(--quiet); }
dd { margin: 0; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .25rem 1.5rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--quiet); font-weight: 500; }
@media print {
  :root { --ground: #fff; --card: #fff; --text: #000; --quiet: #444; --line: #bbb; font-size: 10pt; }
  body { padding: 0; max-width: none; }
}
`;

/** From the doctype to the start of the body. The page ends with `HTML_END`. */
export function htmlHead({ title, style: own, script, reloadSeconds }: HtmlHead): string {
  const style = PAGE_STYLE + own;
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `style-src '${integrity(style)}'`,
    ...(script === undefined ? [] : [`script-src '${integrity(script)}'`]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const reload =
    reloadSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${reloadSeconds}">\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
${reload}<link rel="icon" href="data:,">
<title>${escapedMarkup(title)}</title>
<style>${style}</style>
${script === undefined ? '' : `<script type="module">${script}</script>\n`}</head>
<body>
`;
}

function integrity(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** Escapes text for an element or a quoted attribute. Characters that XML forbids become replacement characters. */
export function escapedMarkup(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

export const FONT_SIZE = 12;
/** A letter's mean width in the system's fonts, relative to the font size: an SVG file cannot measure text. */
const LETTER = 0.56;

/**
 * In a page it takes the page's text colour; for a file see `standaloneSvg`.
 *
 * @param title  its name for screen readers
 * @param body   markup
 * @param role   'group' if its parts have names too
 */
export function svg(
  title: string,
  description: string,
  [width, height]: readonly [number, number],
  body: readonly string[],
  role: 'img' | 'group' = 'img',
): string {
  const name = escapedMarkup(title);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="${role}" aria-label="${name}" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="${FONT_SIZE}" fill="currentColor"><title>${name}</title><desc>${escapedMarkup(description)}</desc>${body.join('')}</svg>`;
}

/** The <svg> as a file, with a text colour for light and dark screens. */
export function standaloneSvg(figure: string): string {
  const style = '<style>svg{color:#1d1d1c}@media(prefers-color-scheme:dark){svg{color:#e8e8e6}}</style>';
  return `<?xml version="1.0" encoding="UTF-8"?>\n${figure.replace('</desc>', `</desc>${style}`)}\n`;
}

export function svgText(words: string, x: number, y: number, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapedMarkup(words)}</text>`;
}

export function textWidth(text: string): number {
  return text.length * FONT_SIZE * LETTER;
}

/** Short enough for markup. */
export function round(value: number): number {
  return Number(value.toFixed(2));
}
