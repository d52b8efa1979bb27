// The table of all options in docs/options.md, made from the options' schemas; test/docs/options.test.ts holds it to them.
// Usage: npm run build && node --import tsx scripts/document-options.ts
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { commandShape } from '#src/cli/arguments.js';
import { configShape } from '#src/cli/config-file.js';
import { sensorShape } from '#src/cli/noise-flags.js';
import { flagOf } from '#src/cli/option-flags.js';
import { defaultOf, wordsOf } from '#src/denoiser/option-schema.js';
import { callShape, openingShape } from '#src/denoiser/options.js';
import { bytesSchema, gulpSchema, streamSchema } from '#src/plugin/stream-options.js';

const DOCUMENT = fileURLToPath(new URL('../docs/options.md', import.meta.url));
const MARKED = /(<!-- options -->\n)[\s\S]*?(<!-- end -->)/;

/** Who takes options in a program, by the letter that the table has for it. */
const TAKERS: Readonly<Record<string, z.ZodRawShape>> = {
  C: callShape,
  O: openingShape,
  S: streamSchema.shape,
  G: { silent: gulpSchema.shape.silent },
  B: bytesSchema.shape,
};

const FLAGS: z.ZodRawShape = { ...sensorShape, ...commandShape, ...configShape };

/** The table as Markdown. */
export function optionsTable(): string {
  const names = new Set([...Object.values(TAKERS), FLAGS].flatMap((shape) => Object.keys(shape)));
  const head = ['option', 'flag', 'taken by', 'values', 'default', 'what it does'];
  const rows = [head, head.map(() => '---'), ...[...names].map(rowOf)];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function rowOf(name: string): string[] {
  const takers = Object.entries(TAKERS).filter(([, shape]) => name in shape);
  // What opens a denoiser has the default; a call may say otherwise.
  const [, shape = FLAGS] = takers.find(([letter]) => letter === 'O') ?? takers[0] ?? [];
  const schema = shape[name] ?? z.never();
  const flag = FLAGS[name] && wordsOf(FLAGS[name])?.flag;
  const { does = '', see } = wordsOf(schema) ?? {};
  const isSwitch = flag === '' && takers.length === 0;
  return [
    takers.length === 0 ? '' : `\`${name}\``,
    flag === undefined ? '' : `\`${flagOf(name)}\``,
    takers.map(([letter]) => letter).join(', '),
    isSwitch ? '' : coded((schema instanceof z.ZodType ? schema.description : undefined) ?? ''),
    isSwitch ? '' : defaultCell(schema),
    see === undefined ? does : `${does}; see ${see}`,
  ];
}

/** A default that the schema holds is code. */
function defaultCell(schema: z.core.$ZodType): string {
  const otherwise = defaultOf(schema) ?? 'none';
  return schema instanceof z.ZodDefault ? `\`${otherwise}\`` : otherwise;
}

/** Words between quotes as code. */
function coded(text: string): string {
  return text.replaceAll(/'([\w:.-]+)'/g, '`$1`');
}

/** A document with its table made anew. */
export function withOptionsTable(text: string): string {
  if (!MARKED.test(text)) throw new Error('docs/options.md has no <!-- options --> and <!-- end -->');
  return text.replace(MARKED, (_, start, end) => `${start}\n${optionsTable()}\n\n${end}`);
}

if (!process.argv[1]?.endsWith('.test.ts'))
  await writeFile(DOCUMENT, withOptionsTable(await readFile(DOCUMENT, 'utf8')));
