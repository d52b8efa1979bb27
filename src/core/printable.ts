// Text for messages. Names of pictures and priors may hold control characters, which a terminal would obey.

/** On one line and in one direction: line breaks, other control characters and direction marks become escapes. */
export function printable(name: string): string {
  return name.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === '\n' ? '\\n' : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** As `printable`, but keeps line breaks. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** "1 picture", "2 pictures". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** With at most three significant digits: 2.55000001 is "2.55". */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** "0.4 s", "42 s", "3 min 20 s", "2 h 5 min". */
export function timeWords(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
