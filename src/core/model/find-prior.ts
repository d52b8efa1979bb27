// The folder of a prior, from its name ("natural") or path ("./my-prior").
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlowDenoiseError } from '../errors.js';

const MODELS = fileURLToPath(new URL('../../../models/', import.meta.url));

export const DEFAULT_PRIOR = 'natural';

/** Chooses the shipped prior that suits each picture. Write a folder of this name as `./auto`. */
export const AUTO_PRIOR = 'auto';

/** The names of the priors that come with the package. */
export function shippedPriors(): readonly string[] {
  return readdirSync(MODELS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => existsSync(path.join(MODELS, name, 'model.json')))
    .sort();
}

/** The folder of a shipped prior (by name) or of your own (by path). @throws FlowDenoiseError BAD_PRIOR if there is neither */
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
