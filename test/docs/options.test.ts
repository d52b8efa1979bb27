// The table of options and --help are made from the schemas: what they name, and the defaults that they tell.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commandShape } from '#src/cli/arguments.js';
import { configShape } from '#src/cli/config-file.js';
import { sensorShape } from '#src/cli/noise-flags.js';
import { flagOf } from '#src/cli/option-flags.js';
import { defaultOf, wordsOf } from '#src/denoiser/option-schema.js';
import { openingSchema } from '#src/denoiser/options.js';
import { parseStreamOptions } from '#src/plugin/stream-options.js';
import { withOptionsTable } from '../../scripts/document-options.js';
import { command } from '../cli/command.js';
import { document } from './documents.js';

test('the table in docs/options.md is the one that the schemas make', () => {
  const text = document('docs/options.md');
  assert.is(text, withOptionsTable(text), 'run node --import tsx scripts/document-options.ts');
});

test('--help names every flag with the default of its schema', async () => {
  const { stdout } = await command(['--help']);
  const described = new Map(
    stdout
      .split(/^ {2}(?=-)/m)
      .slice(1)
      .map((text) => [/--[\w-]+/.exec(text)?.[0], text.replaceAll(/\s+/g, ' ')] as const),
  );
  const shape = { ...commandShape, ...sensorShape, ...configShape };
  const flags = Object.entries(shape).filter(([, schema]) => wordsOf(schema)?.flag !== undefined);
  assert.ok(flags.length > 30);
  for (const [name, schema] of flags) {
    const text = described.get(flagOf(name));
    assert.ok(text, `${flagOf(name)} is missing`);
    const otherwise = wordsOf(schema)?.flag === '' ? undefined : defaultOf(schema);
    const told = /\(default: ([^)]*)\)/.exec(text ?? '')?.[1];
    assert.is(told, otherwise === 'false' ? undefined : otherwise, flagOf(name));
  }
});

test('the defaults that are told are those that hold', () => {
  const opening = openingSchema.parse({});
  assert.equal(opening, { beta: 'auto', prior: 'natural', engine: 'auto', tileSize: 'auto' });
  const { noise, file, concurrency, onError, cache } = parseStreamOptions();
  assert.equal(noise, { sigma: 'auto', noise: 'auto', strength: 1 });
  assert.equal(file, { maxPixels: 200_000_000, maxBytes: 2 ** 31 });
  assert.equal([concurrency, onError, cache], [2, 'fail', false]);
});

test.run();
