// Text inside SVG and HTML.

/** Text as markup, in an element or an attribute's quotes. What no XML may hold becomes a replacement character. */
export function escapedMarkup(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
