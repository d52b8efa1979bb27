// The frame of a page in one file. The page may load only the pictures in it and run only its own script.
import { createHash } from 'node:crypto';

interface HtmlHead {
  /** Plain text. */
  readonly title: string;
  /** CSS. */
  readonly style: string;
  /** A JavaScript module. Default: none. */
  readonly script?: string;
  /** The browser reloads the page after this many seconds. Default: never. */
  readonly reloadSeconds?: number | undefined;
}

export const HTML_END = '</body>\n</html>\n';

/** From the doctype to the start of the body. The page ends with `HTML_END`. */
export function htmlHead({ title, style, script, reloadSeconds }: HtmlHead): string {
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
