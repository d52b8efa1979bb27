// docs/cli.md: every command in it runs.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { root } from './documents.js';
import { type OwnRun, runProgram, snippetTests } from './snippets.js';

/** A configuration file: the command takes all that it holds. */
const configuration: OwnRun = async ({ text }, project) => {
  await writeFile(join(project, 'config.json'), text);
  const args = [`${root}dist/cli/main.js`, 'photos', '--config', 'config.json', '--dry-run'];
  const output = await runProgram(process.execPath, args, project);
  for (const [key, value] of Object.entries(JSON.parse(text) as object))
    assert.match(output, `${key} ${value}`);
};

snippetTests('docs/cli.md', { own: { json: configuration } });
