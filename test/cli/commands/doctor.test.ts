// flow-denoise doctor, as a user runs it: every engine is told, available or why not.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ENGINE_NAMES } from '#src/core/engine/engine.js';
import { command } from '../command.js';

interface Told {
  readonly auto: { readonly name: string; readonly why: string };
  readonly engines: readonly {
    readonly name: string;
    readonly isAvailable: boolean;
    readonly reason?: string;
    readonly deviation?: number;
    readonly msPerTile?: number;
  }[];
}

test('as JSON: each engine once, those of the package with a good score, the others with a reason', async () => {
  const { code, stdout } = await command(['doctor', '--json']);
  assert.is(code, 0);
  const { auto, engines } = JSON.parse(stdout) as Told;
  assert.equal(
    engines.map(({ name }) => name),
    [...ENGINE_NAMES],
  );
  for (const { name, isAvailable, reason, deviation = 1, msPerTile = 0 } of engines) {
    if (name === 'onnx' || name === 'wasm') assert.ok(isAvailable, `${name}: ${reason}`);
    if (isAvailable) assert.ok(deviation < 1e-4 && msPerTile > 0, `${name} deviates by ${deviation}`);
    else assert.match(reason ?? '', new RegExp(`engine ${name} is not available: |process ended`));
  }
  assert.ok(engines.some(({ name, isAvailable }) => name === auto.name && isAvailable));
});

test.run();
