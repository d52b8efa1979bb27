// From what a user says ("natural", "./my-prior") to a prior's folder.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlowDenoiseError } from '../errors.js';

const MODELS = fileURLToPath(new URL('../../../models/', import.meta.url));

export const DEFAULT_PRIOR = 'natural';

/** In place of a prior: for each picture the shipped one that suits it. A folder of this name is `./auto`. */
export const AUTO_PRIOR = 'auto';

/** The names of the priors that come with the package. */
export function shippedPriors(): readonly string[] {
  return readdirSync(MODELS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => existsSync(path.join(MODELS, name, 'model.json')))
    .sort();
}

/**
 * The folder of a shipped prior (by name) or of the user's own (by path).
 *
 * @throws FlowDenoiseError BAD_PRIOR when there is neither
 */
export function findPrior(nameOrFolder: string): string {
  const isName = /^[\w.-]+$/.test(nameOrFolder) && !nameOrFolder.startsWith('.');
  const candidates = [...(isName ? [path.join(MODELS, nameOrFolder)] : []), path.resolve(nameOrFolder)];
  const found = candidates.find((folder) => existsSync(path.join(folder, 'model.json')));
  if (found) return found;
  throw new FlowDenoiseError(
    'BAD_PRIOR',
    `Expected one of ${shippedPriors().join(', ')} or a folder with a model.json for prior but received ${nameOrFolder}`,
  );
}
