// A file's name in a message: one line, in one direction, whatever the name has in it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { printable, printableLines } from '#src/core/printable.js';

test('control characters and marks of direction are spelt out, letters of all languages are not', () => {
  assert.is(printable('a\nb\u001b[31m\u202egnp.png'), 'a\\nb\\u{1b}[31m\\u{202e}gnp.png');
  assert.is(printable('\r\u0085\u2028\u2029\u200f'), '\\u{d}\\u{85}\\u{2028}\\u{2029}\\u{200f}');
  assert.is(printable('\u{1f33b} é 猫 قط.png'), '\u{1f33b} é 猫 قط.png');
  assert.is(printable(printable('a\nb')), 'a\\nb');
});

test('texts of several lines, and messages of errors', () => {
  assert.is(printableLines('a\u001b[2J\nb\u009b'), 'a\\u{1b}[2J\nb\\u{9b}');
  assert.is(
    new FlowDenoiseError('BAD_PRIOR', 'prior \u001b]0;x\u0007: wrong').message,
    'prior \\u{1b}]0;x\\u{7}: wrong',
  );
});

test.run();
