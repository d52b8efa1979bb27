// Killed twenty times, with originals moved: see kill.ts.
import { test } from 'uvu';
import { killAndRestart } from './kill.js';

test('kill -9 at twenty moments: every picture once, whole, and its original where it should be', () =>
  killAndRestart('move', 41));

test.run();
