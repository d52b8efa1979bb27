// Names of files in messages: whatever a name has in it, its message stays one line and reads in one direction.

/** The name with line breaks, other control characters and marks of writing direction as escapes. */
export function printable(name: string): string {
  return name.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === '\n' ? '\\n' : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
