// The weights of the noise network, as shipped in models/noise-network: network.json and its weights, checked.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { FlowDenoiseError, messageOf } from '../errors.js';
import type { Weights } from '../flow/parameters.js';
import { noiseNetworkShapes } from '../noise/estimate/noise-network.js';
import { pictureHeadShapes } from '../noise/estimate/picture-head.js';
import { checkWeights } from './load-prior.js';
import { readSafetensors } from './safetensors.js';

const FOLDER = new URL('../../../models/noise-network/', import.meta.url);

const cardSchema = z.object({
  format: z.literal('flow-denoise-noise-network'),
  version: z.literal(1),
  weights: z.object({ file: z.literal('weights.safetensors'), sha256: z.string() }),
});

/**
 * Reads and checks the shipped network: format, version, checksum, shapes, finite numbers.
 *
 * @param folder  a file URL that ends in '/'; only tests pass it
 * @throws        FlowDenoiseError BAD_PRIOR
 */
export async function loadNoiseNetwork(folder: URL = FOLDER): Promise<Weights> {
  const file = fileURLToPath(new URL('weights.safetensors', folder));
  try {
    const card = cardSchema.parse(JSON.parse(await readFile(new URL('network.json', folder), 'utf8')));
    const bytes = await readFile(file);
    if (createHash('sha256').update(bytes).digest('hex') !== card.weights.sha256)
      throw new Error('its checksum is not the one in network.json');
    return checkWeights({ ...noiseNetworkShapes(), ...pictureHeadShapes() }, readSafetensors(bytes));
  } catch (error) {
    throw new FlowDenoiseError('BAD_PRIOR', `${file}: ${messageOf(error)}; install flow-denoise again`, {
      cause: error,
    });
  }
}
