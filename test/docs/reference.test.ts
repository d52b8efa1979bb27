// The tables name exactly what there is: error codes, priors, rooms; the README's ten options are among all of them.
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { shippedPriors } from '#src/core/model/find-prior.js';
import { codeOf, document, root, section, tableRows } from './documents.js';

const readme = document('README.md');
const options = tableRows(section(document('docs/options.md'), '## All options')).map(([option, flag]) => ({
  option: codeOf(option),
  flag: codeOf(flag),
}));

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
