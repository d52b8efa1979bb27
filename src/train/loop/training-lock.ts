// One training at a time in a prior's folder, across processes. A lock whose holder was killed is free after ten seconds.
import { mkdir, rmdir } from 'node:fs/promises';
import lockfile from 'proper-lockfile';
import { badOption, codeOf, FlowDenoiseError, messageOf } from '../../core/errors.js';
import { trainingFolder } from './checkpoint.js';

/**
 * @param onLost  is called when the lock was taken from us, as after a long suspension
 * @returns       gives the lock back
 * @throws        FlowDenoiseError BAD_OPTION while another training holds it, WRITE_FAILED
 */
export async function lockTraining(output: string, onLost: () => void): Promise<() => Promise<void>> {
  const folder = trainingFolder(output);
  let isLost = false;
  try {
    await mkdir(folder, { recursive: true });
    const release = await lockfile.lock(folder, {
      onCompromised() {
        isLost = true;
        onLost();
      },
    });
    return async () => {
      // A lost lock is another's now.
      if (isLost) return;
      await release();
      // Folders in which nothing came to be; others are not empty, and stay.
      for (const made of [folder, output]) await rmdir(made).catch(() => {});
    };
  } catch (error) {
    if (codeOf(error) === 'ELOCKED')
      throw badOption(
        `${output}: another training is at work there, or was killed seconds ago. Expected a folder of its own for every training; choose another output, or wait for that one`,
      );
    throw new FlowDenoiseError(
      'WRITE_FAILED',
      `${folder}: could not be made or locked (${messageOf(error)}). Expected a folder that can be written to; check it.`,
    );
  }
}
