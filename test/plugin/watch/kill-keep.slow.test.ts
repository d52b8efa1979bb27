// Killed twenty times, with originals kept: see kill.ts.
import { test } from 'uvu';
import { killAndRestart } from './kill.js';

test('kill -9 at twenty moments: every picture once, whole, and its original where it should be', () =>
  killAndRestart('keep', 41));

test.run();
