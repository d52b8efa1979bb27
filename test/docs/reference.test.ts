// The tables name exactly what there is: options and flags, error codes, priors, rooms; the README's ten options agree.
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { shippedPriors } from '#src/core/model/find-prior.js';
import { callOptionsSchema, denoiserOptionsSchema } from '#src/denoiser/options.js';
import { parseBytesOptions, parseGulpOptions, parseStreamOptions } from '#src/plugin/stream-options.js';
import { command } from '../cli/command.js';
import { codeOf, document, root, section, tableRows } from './documents.js';

const readme = document('README.md');
const options = tableRows(section(document('docs/options.md'), '## All options')).map(
  ([option, flag, takenBy = '']) => ({
    option: codeOf(option),
    flag: codeOf(flag),
    takenBy: takenBy.split(', '),
  }),
);

/** The documented options of O (openDenoiser), C (a call), S (the stream) or B (the byte stream). */
function documented(place: string): string[] {
  return options.flatMap(({ option, takenBy }) => (option && takenBy.includes(place) ? option : [])).sort();
}

/** A stream's schema is its own business; what it takes, its error says. */
function takenBy(parse: (options: never) => unknown): string[] {
  try {
    parse({ sigma: 1, unknownOption: 1 } as never);
  } catch (error) {
    return (/options (.*) for denoise/.exec(String(error))?.[1] ?? '').split(', ').sort();
  }
  throw new Error('an unknown option was taken');
}

test('options of openDenoiser, of a call, of the streams', () => {
  assert.equal(documented('O'), Object.keys(denoiserOptionsSchema.shape).sort());
  assert.equal(documented('C'), Object.keys(callOptionsSchema.shape).sort());
  assert.equal(documented('S'), takenBy(parseStreamOptions));
  assert.equal([...documented('S'), ...documented('G')].sort(), takenBy(parseGulpOptions));
  assert.equal(documented('B'), takenBy(parseBytesOptions));
});

test('flags of the command', async () => {
  const { stdout } = await command(['--help']);
  const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag);
  const selfEvident = ['--help', '--version'];
  assert.equal(
    options.flatMap(({ flag }) => flag ?? []).sort(),
    flags.filter((flag) => flag && !selfEvident.includes(flag)).sort(),
  );
});

test("the README's options are among them, under the same flags", () => {
  const rows = tableRows(section(readme, '## Options'));
  assert.is(rows.length, 10);
  for (const [option, flag] of rows)
    assert.ok(
      options.some((each) => each.option === codeOf(option) && each.flag === codeOf(flag)),
      option,
    );
});

test('error codes', () => {
  const source = readFileSync(`${root}src/core/errors.ts`, 'utf8');
  const type = /FlowDenoiseErrorCode =(.*?);/s.exec(source)?.[1] ?? '';
  const codes = [...type.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  assert.ok(codes.length > 5);
  const rows = tableRows(document('docs/errors.md'));
  assert.equal(rows.map(([code]) => codeOf(code)).sort(), codes.sort());
});

test('priors, and the noise levels that they know', () => {
  const rows = tableRows(section(readme, '## Which prior'));
  assert.equal(rows.map(([name = '']) => /\[([\w-]+)\]/.exec(name)?.[1]).sort(), shippedPriors());
  for (const [link = '', , colour, grey] of rows) {
    const folder = /\((.*)\/README\.md\)/.exec(link)?.[1] ?? '';
    const { sigmaRange, conditioning } = JSON.parse(document(`${folder}/model.json`)) as {
      sigmaRange: number[];
      conditioning: unknown;
    };
    const range = (scale: number) =>
      conditioning === null
        ? 'any'
        : sigmaRange.map((sigma) => Number((sigma * 255 * scale).toPrecision(3))).join(' to ');
    assert.is(colour, range(1), folder);
    assert.is(grey, range(1 / Math.sqrt(3)), folder);
  }
});

test('rooms', () => {
  const folders = (under: string) =>
    readdirSync(`${root}src/${under}`, { withFileTypes: true }).map((entry) => `${under}${entry.name}`);
  const rooms = [...folders('').filter((name) => name !== 'core'), ...folders('core/')];
  const rows = tableRows(section(document('docs/architecture.md'), '## The rooms'));
  assert.equal(rows.map(([room]) => codeOf(room)).sort(), rooms.sort());
});

test.run();
